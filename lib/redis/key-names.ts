/** The names under which one prefix's data is kept. What is in braces decides the slot in a Cluster. */
export class KeyNames {
  constructor(private readonly prefix: string) {}

  entry(key: string): string {
    return this.#name('e', key);
  }

  /** A prefix of its own, so that whoever has Redis tell about changed entries is not told about leases. */
  lease(key: string): string {
    return this.#name('l', key);
  }

  tagIndex(tag: string): string {
    return this.#name('t', tag);
  }

  tagStamp(tag: string): string {
    return this.#name('s', tag);
  }

  /** What the name of every entry begins with. */
  get entryPrefix(): string {
    return `${this.prefix}:e:{`;
  }

  /** The key whose entry has this name. */
  keyOf(entryName: string): string {
    const key = entryName.slice(this.entryPrefix.length, -1);
    return key.startsWith('%') ? key.slice(1) : key;
  }

  /** The entry and the lease of the key that one of the two names belongs to. */
  both(name: string): [entry: string, lease: string] {
    const suffix = name.slice(this.prefix.length + 2);
    return [`${this.prefix}:e${suffix}`, `${this.prefix}:l${suffix}`];
  }

  /** A pattern for SCAN that matches every name of one kind, whatever the prefix is made of. */
  pattern(kind: 'entry' | 'lease'): string {
    const escaped = this.prefix.replace(/[\\*?[\]]/g, '\\$&');
    return `${escaped}:${kind === 'entry' ? 'e' : 'l'}:{*`;
  }

  #name(kind: string, key: string): string {
    // Redis takes an empty pair of braces for no braces at all: then the names of one key would be in different slots.
    const tagged = key.startsWith('}') || key.startsWith('%') || key === '' ? `%${key}` : key;
    return `${this.prefix}:${kind}:{${tagged}}`;
  }
}
