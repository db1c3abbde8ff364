/** What exists once for each owner and key. Weak: an application or a database that has ended leaves nothing. */
export class PerOwner<Key, Value> {
  readonly #byOwner = new WeakMap<object, Map<Key, Value>>();

  get(owner: object, key: Key, make: () => Value): Value {
    const own = this.#byOwner.get(owner) ?? new Map<Key, Value>();
    this.#byOwner.set(owner, own);
    if (!own.has(key)) own.set(key, make());
    return own.get(key) as Value;
  }
}
