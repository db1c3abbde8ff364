/** The names of the Redis keys of one prefix. The part in braces decides the slot in a Cluster. */
export class KeyNames {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = isSafe(prefix) ? prefix : escaped(prefix);
  }

  entry(key: string): string {
    return this.#name('e', key);
  }

  /** Has a prefix of its own, so that a feed of changed entries is not sent every change of a lease. */
  lease(key: string): string {
    return this.#name('l', key);
  }

  tagIndex(tag: string): string {
    return this.#name('t', tag);
  }

  tagStamp(tag: string): string {
    return this.#name('s', tag);
  }

  tagRemovalStamp(tag: string): string {
    return this.#name('r', tag);
  }

  /** What the processes of the application leave for each other. */
  notices(name: string): string {
    return this.#name('n', name);
  }

  /** The beginning of the name of every entry. */
  get entryPrefix(): string {
    return `${this.#prefix}:e:{`;
  }

  /** The key whose entry or lease has this name. */
  keyOf(name: string): string {
    const key = name.slice(this.entryPrefix.length, -1);
    return key.startsWith('%') ? key.slice(1) : key;
  }

  /** The entry and the lease of the key that one of the two names belongs to. */
  both(name: string): [entry: string, lease: string] {
    const suffix = name.slice(this.#prefix.length + 2);
    return [`${this.#prefix}:e${suffix}`, `${this.#prefix}:l${suffix}`];
  }

  /** A pattern for SCAN that matches every name of one kind whose key begins with `keyPrefix`. */
  pattern(kind: 'entry' | 'lease', keyPrefix = ''): string {
    const name = this.#name(kind === 'entry' ? 'e' : 'l', keyPrefix);
    // Without the closing brace, so that the name matches keys that go on. For all keys, also without the mark of an
    // empty key.
    const start = name.slice(0, keyPrefix === '' ? -2 : -1);
    return `${start.replace(/[\\*?[\]]/g, '\\$&')}*`;
  }

  #name(kind: string, key: string): string {
    // Redis ignores an empty pair of braces, and would then put the names of one key into different slots.
    const tagged = key.startsWith('}') || key.startsWith('%') || key === '' ? `%${key}` : key;
    return `${this.#prefix}:${kind}:{${tagged}}`;
  }
}

/** A pair of braces with something between them decides the slot of all keys, which may be wanted. */
const BRACES = /^[^{}]*(?:\{[^{}]+\}[^{}]*)?$/;
/** The beginning of the name of a key: names under this prefix would be taken for names under a shorter one. */
const NAME = /:[a-z]:\{/;

/** Whether names under the prefix are in the right slot and are of no other prefix. None of these has a percent sign. */
function isSafe(prefix: string): boolean {
  return BRACES.test(prefix) && !NAME.test(prefix) && !prefix.includes('%');
}

function escaped(prefix: string): string {
  return prefix.replace(/[%{}]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
