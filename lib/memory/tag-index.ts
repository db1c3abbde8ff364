/** Which keys have a tag. */
export class TagIndex {
  readonly #keys = new Map<string, Set<string>>();

  add(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.#keys.get(tag);
      if (keys === undefined) this.#keys.set(tag, new Set([key]));
      else keys.add(key);
    }
  }

  remove(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.#keys.get(tag);
      if (keys?.delete(key) === true && keys.size === 0) this.#keys.delete(tag);
    }
  }

  /** A copy, because changing the entries changes the index. */
  keysOf(tags: readonly string[]): ReadonlySet<string> {
    const found = new Set<string>();
    for (const tag of tags) {
      for (const key of this.#keys.get(tag) ?? []) found.add(key);
    }
    return found;
  }

  /** How many tags have at least one key. */
  get size(): number {
    return this.#keys.size;
  }
}
