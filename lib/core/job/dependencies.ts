/** What a fetched value inherits from the cached values that its fetch read: their age and their tags. */
export class Dependencies {
  /** Made for the first tag: most fetches read no cached value. */
  #tags: Set<string> | undefined;
  #oldest = Infinity;

  /** @param now of the store that the made value goes to. */
  constructor(private readonly now: () => number) {}

  /** Whether the fetch read no cached value. */
  get isEmpty(): boolean {
    return this.#oldest === Infinity;
  }

  /** `age` is in milliseconds. */
  add(age: number, tags: readonly string[]): void {
    this.#oldest = Math.min(this.#oldest, this.now() - age);
    if (tags.length > 0) this.#tags ??= new Set();
    for (const tag of tags) this.#tags?.add(tag);
  }

  /** The value's own tags and those of everything that its fetch read. */
  withTags(own: readonly string[]): readonly string[] {
    return this.#tags === undefined ? own : [...new Set([...own, ...this.#tags])];
  }

  /** Milliseconds by which the oldest value read is older than the start of the fetch. */
  inheritedAge(startedAt: number): number {
    return Math.max(0, startedAt - this.#oldest);
  }
}
