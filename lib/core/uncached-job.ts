import { runUncached } from './context.js';
import type { Peeked, Reading, TargetedJob, WarmProgress } from './job.js';
import type { Arguments, Target } from './policy.js';

/** A job without a cache behind it: every read is a fetch, and there is nothing to peek at, invalidate or delete. */
export class UncachedJob implements TargetedJob {
  constructor(
    readonly name: string,
    private readonly fetch: (target: Target, args: Arguments) => Promise<unknown>,
  ) {}

  async get(target: Target, args: Arguments): Promise<unknown> {
    return runUncached(() => this.fetch(target, args));
  }

  async read(target: Target, args: Arguments): Promise<Reading> {
    return { value: await this.get(target, args), status: 'miss', age: 0, refreshing: false };
  }

  async peek(): Promise<Peeked | undefined> {
    return undefined;
  }

  async set(): Promise<void> {
    return;
  }

  async refresh(target: Target, args: Arguments): Promise<unknown> {
    return this.get(target, args);
  }

  async invalidate(): Promise<void> {
    return;
  }

  async delete(): Promise<boolean> {
    return false;
  }

  async getMany(target: Target, argsList: readonly Arguments[]): Promise<unknown[]> {
    return Promise.all(argsList.map((args) => this.get(target, args)));
  }

  async warm(_target: Target, argsList: readonly Arguments[]): Promise<WarmProgress> {
    return { done: 0, failed: 0, total: argsList.length };
  }
}
