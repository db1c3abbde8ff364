import { invalidate, invalidateAll, refresh, remove, removeAll, set } from './write/write.js';
import { deleteKey, invalidateKey, isRefreshable, refreshKey } from './write/stored-key.js';
import type { Explanation } from './job/explanation.js';
import { explain, explainKey } from './read/explain.js';
import type { Peeked, Reading, SetOptions, TargetedJob, WarmOptions, WarmProgress } from './job/job.js';
import type { JobCore } from './job/job-core.js';
import { getMany, warm } from './read/many.js';
import { toPeeked } from './read/peek.js';
import type { Arguments, Target } from './policy/policy.js';
import type { KeyPage } from './ports.js';
import { read } from './read/read.js';
import { asReading, asValue } from './read/serve.js';

/**
 * The calls of one job, for any instance. The methods of a request-scoped service are one job, and each caller's fetch
 * runs on the caller's own instance.
 */
export class CachedJob implements TargetedJob {
  constructor(readonly core: JobCore) {}

  get name(): string {
    return this.core.name;
  }

  keep<List extends readonly unknown[]>(args: List): List {
    try {
      return this.core.argumentCopies.copy(args) as List;
    } catch {
      // `prepareArgs` may turn arguments that cannot be copied into others that can, so the call itself decides.
      return args;
    }
  }

  get(target: Target, args: Arguments): Promise<unknown> {
    try {
      const value = read(this.core, target, args, asValue);
      return value instanceof Promise ? value : Promise.resolve(value);
    } catch (error) {
      return rejected(error);
    }
  }

  async read(target: Target, args: Arguments): Promise<Reading> {
    return read(this.core, target, args, asReading);
  }

  async peek(target: Target, args: Arguments): Promise<Peeked | undefined> {
    const { core } = this;
    const key = core.keys.of(target, core.prepare(target, args), core.context.capture());
    const entry = await core.attempt('read', key, () => core.store.read(key));
    return toPeeked(core, entry);
  }

  async explain(target: Target, args: Arguments): Promise<Explanation> {
    return explain(this.core, target, args);
  }

  /** For a key that was found in the store, as the following calls are. */
  explainKey(key: string): Promise<Explanation> {
    return explainKey(this.core, key);
  }

  async peekKey(key: string): Promise<Peeked | undefined> {
    return toPeeked(this.core, await this.core.store.read(key));
  }

  /** Whether the key holds the arguments that a fetch needs. */
  isRefreshable(key: string): boolean {
    return isRefreshable(this.core, key);
  }

  /** Fetches now, in this process. False where the key does not hold its arguments. */
  refreshKey(key: string): Promise<boolean> {
    return refreshKey(this.core, key);
  }

  invalidateKey(key: string): Promise<void> {
    return invalidateKey(this.core, key);
  }

  deleteKey(key: string): Promise<boolean> {
    return deleteKey(this.core, key);
  }

  /** Some of the keys of this job that begin with `prefix`: see `Store.browse`. */
  async browse(prefix: string, cursor: string, atLeast: number): Promise<KeyPage | undefined> {
    const { core } = this;
    return core.store.browse?.(core.keys.prefix + prefix, cursor, atLeast);
  }

  set(target: Target, args: Arguments, value: unknown, options?: SetOptions): Promise<void> {
    return set(this.core, target, args, value, options);
  }

  refresh(target: Target, args: Arguments): Promise<unknown> {
    return refresh(this.core, target, args);
  }

  invalidate(target: Target, args: Arguments): Promise<void> {
    return invalidate(this.core, target, args);
  }

  delete(target: Target, args: Arguments): Promise<boolean> {
    return remove(this.core, target, args);
  }

  invalidateAll(): Promise<void> {
    return invalidateAll(this.core);
  }

  deleteAll(): Promise<void> {
    return removeAll(this.core);
  }

  getMany(target: Target, argsList: readonly Arguments[]): Promise<unknown[]> {
    return getMany(this.core, target, argsList);
  }

  warm(target: Target, argsList: readonly Arguments[], options?: WarmOptions): Promise<WarmProgress> {
    return warm(this.core, target, argsList, options);
  }
}

/** `fetch` may throw anything, and its error reaches the caller unchanged. */
async function rejected(error: unknown): Promise<never> {
  throw error;
}
