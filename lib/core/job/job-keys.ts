import { ConfigurationError } from '../errors.js';
import { argumentsOfKey, type KeyOrigin } from './arguments-of-key.js';
import { keyOf, keyPrefix } from './key.js';
import type { Arguments, JobPolicy, Target } from '../policy/policy.js';
import type { RequestedKey } from '../ports.js';
import { RememberedKeys } from './remembered-keys.js';

/** A key with an instance of a class that extends a built-in one, which a request carries as the built-in one. */
const OF_SUBCLASS = /[\w"] (?:Date|Map|Set|RegExp|URL|URLSearchParams)[({]/;

/** Builds the keys of one job. */
export class JobKeys {
  readonly #name: string;
  readonly #policy: JobPolicy;
  /** The beginning of every key of the job in this version. */
  readonly prefix: string;
  readonly #remembered = new RememberedKeys();

  constructor(name: string, policy: JobPolicy) {
    this.#name = name;
    this.#policy = policy;
    this.prefix = keyPrefix(name, policy.version);
  }

  /** Whether a key belongs to this job in this version. */
  includes(key: string): boolean {
    return key.startsWith(this.prefix);
  }

  /**
   * Whether a request's arguments and context are those of its key, as far as this process can say: not where `key()` of
   * the user decides.
   */
  belong({ key, args, context }: RequestedKey): boolean {
    if (this.#policy.key !== undefined || OF_SUBCLASS.test(key)) return true;
    try {
      return keyOf(this.prefix, this.#name, args, context) === key;
    } catch {
      return false;
    }
  }

  /** What a stored key was made from; undefined where the key does not say, and where `key()` of the user decides. */
  originOf(key: string): KeyOrigin | undefined {
    return this.#policy.key === undefined ? argumentsOfKey(this.prefix, this.#name, key) : undefined;
  }

  /** The key of prepared arguments in a context. Throws an `UnkeyableArgumentError`, or a `ContextError`. */
  of(target: Target, args: Arguments, context: unknown): string {
    if (this.#policy.key !== undefined) return this.#ownKey(this.#policy.key(target, args), context);
    if (context !== undefined) return keyOf(this.prefix, this.#name, args, context);
    const [only] = args;
    if (args.length !== 1 || (typeof only !== 'string' && typeof only !== 'number')) {
      return keyOf(this.prefix, this.#name, args);
    }
    const remembered = this.#remembered.get(only);
    if (remembered !== undefined) return remembered;
    const key = keyOf(this.prefix, this.#name, args);
    this.#remembered.remember(only, key);
    return key;
  }

  #ownKey(own: unknown, context: unknown): string {
    if (typeof own !== 'string') {
      throw new ConfigurationError(`key() of ${this.#name} returned ${String(own)}`, 'It must return a string', {
        job: this.#name,
      });
    }
    return keyOf(this.prefix, this.#name, [own], context);
  }
}
