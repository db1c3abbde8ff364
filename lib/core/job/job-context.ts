import { AsyncLocalStorage } from 'node:async_hooks';
import { ConfigurationError, ContextError } from '../errors.js';
import { isPrimitive, toPortable } from '../value/portable.js';
import { NO_TYPES } from '../value/value-types.js';

/** What values depend on beside their arguments, such as a tenant or a language: the option `context` of `forRoot`. */
export interface ContextBinding {
  /** The part of every key: a plain value, or undefined for none. Called at each call of a job. */
  capture(): unknown;
  /** Runs a background fetch in the context in which `capture` would return `captured`. */
  run(captured: unknown, fetch: () => Promise<unknown>): unknown;
}

/** The context of one job's calls. Always undefined for a job with `context: false`, and where `forRoot` has none. */
export class JobContext {
  readonly #ofCall: FetchScope;

  constructor(
    private readonly job: string,
    private readonly binding: ContextBinding | undefined,
  ) {
    this.#ofCall = new FetchScope(job, undefined, undefined);
  }

  /** Whether a request that was made in some context can be run in this process. */
  get isKnown(): boolean {
    return this.binding !== undefined;
  }

  /**
   * Throws a {@link ContextError} when `capture` throws: without its context a value could be given to the wrong
   * tenant.
   */
  capture(): unknown {
    if (this.binding === undefined) return undefined;
    try {
      return this.binding.capture();
    } catch (cause) {
      throw new ContextError(this.job, cause);
    }
  }

  /** A copy that the caller cannot change. */
  copy(captured: unknown): unknown {
    if (isPrimitive(captured)) return captured;
    try {
      return toPortable(this.job, captured, NO_TYPES).value;
    } catch (cause) {
      throw new ContextError(this.job, cause);
    }
  }

  /** The scope of one fetch: the captured context if it was captured elsewhere, else the context of the call. */
  scope(captured: unknown, isElsewhere: boolean): FetchScope {
    return isElsewhere && captured !== undefined ? new FetchScope(this.job, this.binding, captured) : this.#ofCall;
  }
}

function directly<Result>(run: () => Result): Result {
  return run();
}

/** Where a fetch runs, and after it the options that are functions, since they may ask for the tenant as well. */
export class FetchScope {
  #inside = directly;

  constructor(
    private readonly job: string,
    private readonly binding: ContextBinding | undefined,
    private readonly captured: unknown,
  ) {}

  fetch<Result>(fetch: () => Promise<Result>): Promise<Result> {
    return this.binding === undefined ? fetch() : this.#fetchWith(this.binding, fetch);
  }

  /** Runs a function in the context of the fetch. */
  inside<Result>(run: () => Result): Result {
    return this.#inside(run);
  }

  async #fetchWith<Result>(binding: ContextBinding, fetch: () => Promise<Result>): Promise<Result> {
    let fetched: Promise<Result> | undefined;
    await binding.run(this.captured, () => {
      this.#inside = AsyncLocalStorage.snapshot();
      fetched = fetch();
      return fetched;
    });
    if (fetched !== undefined) return fetched;
    throw new ConfigurationError(
      `run of forRoot's context did not call its second argument for ${this.job}`,
      'It must call its second argument, and return what that returns: run: (captured, fetch) => cls.run(() => fetch())',
      { job: this.job },
    );
  }
}
