import type { Lease } from '../core/ports.js';
import { StoreModel } from './store-model.js';
import type { StoreUser } from './store-user.js';

const STEPS = 30;
const HOLDERS = 3;
const TAGS = ['a', 'b'];

/** The first step at which a store and its model differed, with all steps before it. */
export interface Divergence {
  readonly seed: number;
  readonly steps: readonly string[];
  readonly store: string;
  readonly model: string;
}

/**
 * Applies the same random steps to a key of the store and to a model: three holders acquire, commit and release in any
 * order, late ones included, while others write, invalidate and delete.
 */
export class StoreSchedule {
  readonly #model = new StoreModel();
  readonly #leases: (Lease | undefined)[] = [];
  readonly #holders = new Map<string, number>();
  readonly #random: () => number;
  readonly #steps: string[] = [];
  /** The generation that a holder saw, and how many writes the model had at that time. */
  readonly #seen: { generation: string; writes: number }[] = [];
  #granted = 0;
  #value = 0;

  constructor(
    private readonly user: StoreUser,
    private readonly key: string,
    private readonly seed: number,
  ) {
    this.#random = randomFrom(seed);
  }

  /** Undefined when the store did at every step what the model did. */
  async run(): Promise<Divergence | undefined> {
    for (let step = 0; step < STEPS; step++) {
      const [what, store, model] = await this.#step();
      this.#steps.push(`${what}: ${model}`);
      const diverged = store === model ? await this.#compare() : { store, model };
      if (diverged !== undefined) return { seed: this.seed, steps: this.#steps, ...diverged };
    }
    return undefined;
  }

  async #compare(): Promise<{ store: string; model: string } | undefined> {
    const entry = await this.user.store.read(this.key);
    // Not even a backoff of length zero: to another clock it may still be running.
    const decision = (await this.user.decision(this.key)).replace('-backoff', '');
    const shown = decision === 'miss' ? 'nothing' : `${decision} ${String(entry?.value)}`;
    const store = `${shown}, ${String(entry?.failure?.count ?? 0)} failures`;
    const model = this.#model.state;
    return store === model ? undefined : { store, model };
  }

  async #step(): Promise<[what: string, store: string, model: string]> {
    const { store } = this.user;
    const { key } = this;
    const model = this.#model;
    const slot = this.#pick(HOLDERS);
    const lease = this.#leases[slot];
    const holder = lease === undefined ? -1 : (this.#holders.get(lease.token) ?? -1);
    const tag = TAGS[this.#pick(TAGS.length)] ?? 'a';
    const value = ++this.#value;
    const tagged = { tags: [tag] };
    switch (this.#pick(12)) {
      case 0:
      case 1:
      case 2:
        return this.#acquire(slot);
      case 3:
      case 4:
        if (lease === undefined) return this.#acquire(slot);
        return [`${slot} commits`, await this.user.commit(lease, value, tagged), model.commit(holder, value, tag)];
      case 5: {
        if (lease === undefined) return this.#acquire(slot);
        const kind = (['unfilled', 'failed', 'gone'] as const)[this.#pick(3)] ?? 'unfilled';
        const ending = kind === 'failed' ? ({ kind, message: 'down', retryIn: 0 } as const) : ({ kind } as const);
        const released = await store.release(lease, ending, [tag]);
        return [`${slot} releases ${kind}`, released, model.release(holder, kind, tag)];
      }
      case 6:
        if (lease === undefined) return this.#acquire(slot);
        return [`${slot} renews`, String(await store.renew(lease, 600_000)), String(model.renew(holder))];
      case 7:
        await this.user.set(key, value, tagged);
        model.set(value, tag);
        return ['set', '', ''];
      case 8: {
        const { found, held } = await store.invalidate(key);
        return ['invalidate', JSON.stringify({ found, held }), JSON.stringify(model.invalidate())];
      }
      case 9:
        return ['delete', String(await store.delete(key)), String(model.delete())];
      case 10:
        await store.invalidateTags(['unknown', tag]);
        model.invalidateTag(tag);
        return [`invalidate tag ${tag}`, '', ''];
      default:
        await store.deleteTags([tag]);
        model.deleteTag(tag);
        return [`delete tag ${tag}`, '', ''];
    }
  }

  async #acquire(slot: number): Promise<[what: string, store: string, model: string]> {
    const model = this.#model;
    const takeOver = this.#pick(4) === 0;
    const remembered = this.#pick(3) === 0 ? this.#seen[this.#pick(this.#seen.length)] : undefined;
    const entry = await this.user.store.read(this.key);
    this.#seen.push({ generation: entry?.generation ?? '', writes: model.hasValue ? model.writes : -1 });
    // A key that was seen as empty counts as unchanged while it is empty, or is empty again.
    const unchanged = remembered === undefined || remembered.writes === (model.hasValue ? model.writes : -1);
    const acquired = await this.user.acquire(this.key, { takeOver, generation: remembered?.generation });
    const what = `${slot} acquires${takeOver ? ', taking over' : ''}${remembered === undefined ? '' : ', as seen'}`;
    const number = this.#granted;
    const expected = model.acquire(number, unchanged, takeOver);
    switch (acquired.kind) {
      case 'granted':
        this.#granted += 1;
        this.#leases[slot] = acquired.lease;
        this.#holders.set(acquired.lease.token, number);
        return [what, `granted after ${acquired.failures}`, expected];
      case 'busy':
        return [what, `busy with ${this.#holders.get(acquired.token) ?? -1}`, expected];
      case 'backoff':
      case 'changed':
        return [what, acquired.kind, expected];
    }
  }

  #pick(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

/** The same numbers for the same seed, everywhere (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
