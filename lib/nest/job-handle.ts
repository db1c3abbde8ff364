import type {
  Job,
  Peeked,
  Reading,
  SetOptions,
  TargetedJob,
  WarmOptions,
  WarmProgress,
} from '../core/job.js';
import type { Target } from '../core/policy.js';
import type { Awaitable } from '../core/ports.js';

/** A job with the instance that its fetches run on: what is made per request is made anew for each call. */
export class JobHandle implements Job {
  constructor(
    private readonly job: TargetedJob,
    private readonly target: () => Awaitable<Target>,
  ) {}

  get name(): string {
    return this.job.name;
  }

  get(...args: readonly unknown[]): Promise<unknown> {
    const target = this.#target();
    // Most instances are there, and a hit is quicker without one more promise.
    return target instanceof Promise ? this.#getLater(target, args) : this.job.get(target, args);
  }

  read(...args: readonly unknown[]): Promise<Reading> {
    return this.#on((target) => this.job.read(target, args));
  }

  peek(...args: readonly unknown[]): Promise<Peeked | undefined> {
    return this.#on((target) => this.job.peek(target, args));
  }

  set(args: readonly unknown[], value: unknown, options?: SetOptions): Promise<void> {
    return this.#on((target) => this.job.set(target, args, value, options));
  }

  refresh(...args: readonly unknown[]): Promise<unknown> {
    return this.#on((target) => this.job.refresh(target, args));
  }

  invalidate(...args: readonly unknown[]): Promise<void> {
    return this.#on((target) => this.job.invalidate(target, args));
  }

  delete(...args: readonly unknown[]): Promise<boolean> {
    return this.#on((target) => this.job.delete(target, args));
  }

  getMany(argsList: readonly (readonly unknown[])[]): Promise<unknown[]> {
    return this.#on((target) => this.job.getMany(target, argsList));
  }

  warm(
    argsList: readonly (readonly unknown[])[],
    options?: WarmOptions,
  ): Promise<WarmProgress> {
    return this.#on((target) => this.job.warm(target, argsList, options));
  }

  /** Never throws. */
  #target(): Awaitable<Target> {
    try {
      return this.target();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #getLater(target: Promise<Target>, args: readonly unknown[]): Promise<unknown> {
    return this.job.get(await target, args);
  }

  async #on<Result>(call: (target: Target) => Promise<Result>): Promise<Result> {
    return call(await this.#target());
  }
}
