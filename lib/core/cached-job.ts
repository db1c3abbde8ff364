import { invalidate, invalidateAll, refresh, remove, removeAll, set } from './write/write.js';
import type { Explanation } from './job/explanation.js';
import { explain } from './read/explain.js';
import type { Peeked, Reading, SetOptions, TargetedJob, WarmOptions, WarmProgress } from './job/job.js';
import type { JobCore } from './job/job-core.js';
import { getMany, warm } from './read/many.js';
import { toPeeked } from './read/peek.js';
import type { Arguments, Target } from './policy/policy.js';
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
