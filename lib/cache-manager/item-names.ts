/**
 * The job's part of a key ends with the first colon outside of quotes. Arguments cannot be mistaken for it: see
 * `keyPrefix` in the core.
 */
const JOB_PREFIX = /^(?:"(?:[^"\\]|\\.)*"|[^":])*:/;

/** The prefix that all keys of the key's job have in common. */
export function jobPrefixOf(key: string): string {
  return JOB_PREFIX.exec(key)?.[0] ?? '';
}

/** The names under which items are stored in the cache. */
export class ItemNames {
  constructor(private readonly prefix: string) {}

  entry(key: string): string {
    return `${this.prefix}:e:${key}`;
  }

  /** The stamp of a key's last invalidation. */
  key(key: string): string {
    return `${this.prefix}:k:${key}`;
  }

  failure(key: string): string {
    return `${this.prefix}:f:${key}`;
  }

  /** The stamp of a tag's last invalidation. */
  tag(tag: string): string {
    return `${this.prefix}:t:${tag}`;
  }

  /** The stamp of the last invalidation of a whole job, named by the prefix of its keys. */
  job(keyPrefix: string): string {
    return `${this.prefix}:j:${keyPrefix}`;
  }

  /** The stamp of the last `clear`. */
  get cleared(): string {
    return `${this.prefix}:cleared`;
  }

  /** The stamp of the latest invalidation of any tag. */
  get tagClock(): string {
    return `${this.prefix}:tags`;
  }

  get probe(): string {
    return `${this.prefix}:probe`;
  }
}
