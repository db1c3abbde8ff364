import { runUncached } from './fill/fetch-context.js';
import type { Explanation } from './job/explanation.js';
import type { Peeked, Reading, TargetedJob, WarmProgress } from './job/job.js';
import type { Arguments, Target } from './policy/policy.js';

/** A job without a cache: every read is a fetch, and there is nothing to peek at, invalidate or delete. */
export class UncachedJob implements TargetedJob {
  constructor(
    readonly name: string,
    private readonly fetch: (target: Target, args: Arguments) => Promise<unknown>,
  ) {}

  keep<List extends readonly unknown[]>(args: List): List {
    return args;
  }

  async get(target: Target, args: Arguments): Promise<unknown> {
    return runUncached(() => this.fetch(target, args));
  }

  async read(target: Target, args: Arguments): Promise<Reading> {
    return { value: await this.get(target, args), status: 'miss', age: 0, refreshing: false };
  }

  async peek(): Promise<Peeked | undefined> {
    return undefined;
  }

  async explain(): Promise<Explanation> {
    const { name } = this;
    const text = `${name} runs uncached: every read is a fetch.`;
    return { key: '', job: name, status: 'absent', tags: [], failures: 0, copy: false, text };
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

  async invalidateAll(): Promise<void> {
    return;
  }

  async deleteAll(): Promise<void> {
    return;
  }

  async getMany(target: Target, argsList: readonly Arguments[]): Promise<unknown[]> {
    return Promise.all(argsList.map((args) => this.get(target, args)));
  }

  async warm(_target: Target, argsList: readonly Arguments[]): Promise<WarmProgress> {
    return { done: 0, failed: 0, total: argsList.length };
  }
}
