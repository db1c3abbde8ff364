/** What the items of one prefix are called in the cache. */
export class ItemNames {
  constructor(private readonly prefix: string) {}

  entry(key: string): string {
    return `${this.prefix}:e:${key}`;
  }

  /** Stamp of the invalidations of a key. */
  key(key: string): string {
    return `${this.prefix}:k:${key}`;
  }

  failure(key: string): string {
    return `${this.prefix}:f:${key}`;
  }

  /** Stamp of the invalidations of a tag. */
  tag(tag: string): string {
    return `${this.prefix}:t:${tag}`;
  }

  /** Stamp of `clear`. */
  get cleared(): string {
    return `${this.prefix}:cleared`;
  }

  /** Stamp of the latest invalidation of any tag. */
  get tagClock(): string {
    return `${this.prefix}:tags`;
  }

  get probe(): string {
    return `${this.prefix}:probe`;
  }
}
