import { ConfigurationError } from './errors.js';
import { keyOf, keyPrefix } from './key.js';
import type { Arguments, JobPolicy, Target } from './policy.js';

/** Keys of one string argument that are remembered; the map starts anew when it is full. */
const REMEMBERED = 1_000;

/** Builds the keys of one job. */
export class JobKeys {
  readonly #name: string;
  readonly #policy: JobPolicy;
  readonly #prefix: string;
  /** A built key has its hash ready for the store's map, a freshly joined string has not: that is half of a hit's cost. */
  readonly #remembered = new Map<string, string>();

  constructor(name: string, policy: JobPolicy) {
    this.#name = name;
    this.#policy = policy;
    this.#prefix = keyPrefix(name, policy.version);
  }

  /** Whether a key is of this job in this version. */
  includes(key: string): boolean {
    return key.startsWith(this.#prefix);
  }

  /** The key of prepared arguments. Throws an `UnkeyableArgumentError`. */
  of(target: Target, args: Arguments): string {
    if (this.#policy.key !== undefined) return this.#ownKey(this.#policy.key(target, args));
    const [only] = args;
    if (args.length !== 1 || typeof only !== 'string') {
      return keyOf(this.#prefix, this.#name, args);
    }
    const remembered = this.#remembered.get(only);
    if (remembered !== undefined) return remembered;
    const key = keyOf(this.#prefix, this.#name, args);
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear();
    this.#remembered.set(only, key);
    return key;
  }

  #ownKey(own: unknown): string {
    if (typeof own !== 'string') {
      throw new ConfigurationError(
        `key() of ${this.#name} returned ${String(own)}`,
        'It must return a string',
        { job: this.#name },
      );
    }
    return keyOf(this.#prefix, this.#name, [own]);
  }
}
