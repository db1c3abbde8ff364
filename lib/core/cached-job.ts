import { invalidate, refresh, remove, set } from './by-hand.js';
import type {
  Peeked,
  Reading,
  SetOptions,
  TargetedJob,
  WarmOptions,
  WarmProgress,
} from './job.js';
import type { JobCore } from './job-core.js';
import { getMany, warm } from './many.js';
import { toPeeked } from './peek.js';
import type { Arguments, Target } from './policy.js';
import { read } from './read.js';
import { asReading, asValue } from './serve.js';

/**
 * The calls of one job, for whichever instance is asked: the methods of a request-scoped service are one job, and each
 * caller's fetch runs on his own instance.
 */
export class CachedJob implements TargetedJob {
  constructor(readonly core: JobCore) {}

  get name(): string {
    return this.core.name;
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
    const key = core.keys.of(target, core.prepare(target, args));
    const entry = await core.attempt('read', key, () => core.store.read(key));
    return toPeeked(entry, core.store.now());
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

  getMany(target: Target, argsList: readonly Arguments[]): Promise<unknown[]> {
    return getMany(this.core, target, argsList);
  }

  warm(
    target: Target,
    argsList: readonly Arguments[],
    options?: WarmOptions,
  ): Promise<WarmProgress> {
    return warm(this.core, target, argsList, options);
  }
}

/** `fetch` may throw anything; its error reaches the caller as it is. */
async function rejected(error: unknown): Promise<never> {
  throw error;
}
