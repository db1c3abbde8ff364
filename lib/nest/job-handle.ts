import type { Explanation } from '../core/job/explanation.js';
import type { Job, Peeked, Reading, SetOptions, TargetedJob, WarmOptions, WarmProgress } from '../core/job/job.js';
import type { Target } from '../core/policy/policy.js';
import type { Awaitable } from '../core/ports.js';

/** A job with the instance on which its fetches run. A request-scoped instance is made anew for each call. */
export class JobHandle implements Job {
  constructor(
    private readonly job: TargetedJob,
    private readonly target: () => Awaitable<Target>,
  ) {}

  get name(): string {
    return this.job.name;
  }

  get(...args: readonly unknown[]): Promise<unknown> {
    return this.#on(args, (target, given) => this.job.get(target, given));
  }

  read(...args: readonly unknown[]): Promise<Reading> {
    return this.#on(args, (target, given) => this.job.read(target, given));
  }

  peek(...args: readonly unknown[]): Promise<Peeked | undefined> {
    return this.#on(args, (target, given) => this.job.peek(target, given));
  }

  explain(...args: readonly unknown[]): Promise<Explanation> {
    return this.#on(args, (target, given) => this.job.explain(target, given));
  }

  set(args: readonly unknown[], value: unknown, options?: SetOptions): Promise<void> {
    return this.#on(args, (target, given) => this.job.set(target, given, value, options));
  }

  refresh(...args: readonly unknown[]): Promise<unknown> {
    return this.#on(args, (target, given) => this.job.refresh(target, given));
  }

  invalidate(...args: readonly unknown[]): Promise<void> {
    return this.#on(args, (target, given) => this.job.invalidate(target, given));
  }

  delete(...args: readonly unknown[]): Promise<boolean> {
    return this.#on(args, (target, given) => this.job.delete(target, given));
  }

  invalidateAll(): Promise<void> {
    return this.job.invalidateAll();
  }

  deleteAll(): Promise<void> {
    return this.job.deleteAll();
  }

  getMany(argsList: readonly (readonly unknown[])[]): Promise<unknown[]> {
    return this.#on(argsList, (target, given) => this.job.getMany(target, given));
  }

  warm(argsList: readonly (readonly unknown[])[], options?: WarmOptions): Promise<WarmProgress> {
    return this.#on(argsList, (target, given) => this.job.warm(target, given, options));
  }

  /** Never throws. */
  #target(): Awaitable<Target> {
    try {
      return this.target();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Synchronous when the instance exists: a hit is faster without one more promise, and the arguments are those of the
   * call.
   */
  #on<List extends readonly unknown[], Result>(
    args: List,
    call: (target: Target, args: List) => Promise<Result>,
  ): Promise<Result> {
    const target = this.#target();
    if (!(target instanceof Promise)) return call(target, args);
    const kept = this.job.keep(args);
    return target.then((made) => call(made, kept));
  }
}
