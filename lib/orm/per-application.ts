/** What exists once for each application and key. Weak, so that an application that has ended leaves nothing. */
export class PerApplication<Key, Value> {
  readonly #byOwner = new WeakMap<object, Map<Key, Value>>();

  /** @param owner stands for the application. */
  get(owner: object, key: Key, make: () => Value): Value {
    const own = this.#byOwner.get(owner) ?? new Map<Key, Value>();
    this.#byOwner.set(owner, own);
    if (!own.has(key)) own.set(key, make());
    return own.get(key) as Value;
  }
}
