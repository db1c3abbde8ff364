/** What a careful person writes in a service: a Map, a time, one fetch at a time, and the old value while it runs. */
class HandWritten {
  #entries = new Map();
  #running = new Map();

  constructor(ttl, stale, fetch, keyOf) {
    Object.assign(this, { ttl, stale, fetch, keyOf });
  }

  async get(argument) {
    const key = this.keyOf(argument);
    const entry = this.#entries.get(key);
    const age = entry === undefined ? Infinity : Date.now() - entry.storedAt;
    if (age < this.ttl) return entry.value;
    const running = this.#running.get(key) ?? this.#refresh(key, argument);
    if (age < this.ttl + this.stale) {
      running.catch(() => undefined);
      return entry.value;
    }
    return running;
  }

  async #refresh(key, argument) {
    const running = this.fetch(argument)
      .then((value) => {
        this.#entries.set(key, { value, storedAt: Date.now() });
        return value;
      })
      .finally(() => this.#running.delete(key));
    this.#running.set(key, running);
    return running;
  }

  delete(key) {
    this.#entries.delete(key);
  }
}

export default {
  name: 'hand-written Map cache',
  tiers: ['memory'],
  cannot: {},
  open({ ttl, stale, fetch, keyOf = (argument) => argument }) {
    const cache = new HandWritten(ttl * 1_000, stale * 1_000, fetch, keyOf);
    return {
      get: (argument) => cache.get(argument),
      method: (argument) => cache.get(argument),
      delete: (key) => cache.delete(key),
      close: () => undefined,
    };
  },
};
