interface Call<Args, T> {
  readonly args: Args;
  resolve(value: T): void;
  reject(error: unknown): void;
}

interface Waiter {
  readonly starts: number;
  resolve(): void;
}

/**
 * A double of a fetch that blocks until a test releases it.
 *
 * ```ts
 * const gate = new Gate<string>();
 * const reading = job.get('key');      // the job's fetch is gate.fetch
 * await gate.started(1);               // the fetch is under way
 * gate.release('value');               // now it ends
 * ```
 */
export class Gate<T, Args extends readonly unknown[] = readonly unknown[]> {
  /** The arguments of every call so far. */
  readonly calls: Args[] = [];
  /** The largest number of calls that were blocked at the same time. */
  mostAtOnce = 0;
  readonly #blocked: Call<Args, T>[] = [];
  readonly #waiters: Waiter[] = [];
  #answer: ((...args: Args) => T | Promise<T>) | undefined;

  /** The double: give it to the job in the place of its fetch. */
  readonly fetch = (...args: Args): Promise<T> => {
    this.calls.push(args);
    const answer = this.#answer;
    const result =
      answer === undefined
        ? new Promise<T>((resolve, reject) => {
            this.#blocked.push({ args, resolve, reject });
          })
        : Promise.resolve().then(() => answer(...args));
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#blocked.length);
    for (const waiter of this.#waiters) if (waiter.starts <= this.calls.length) waiter.resolve();
    return result;
  };

  /** How many calls there were. */
  get starts(): number {
    return this.calls.length;
  }

  /** How many calls are blocked now. */
  get waiting(): number {
    return this.#blocked.length;
  }

  /** Resolves when there have been `starts` calls in all. */
  started(starts: number): Promise<void> {
    if (this.calls.length >= starts) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ starts, resolve });
    });
  }

  /** Lets the oldest blocked call return a value. */
  release(value: T): void {
    this.#oldest().resolve(value);
  }

  /** Lets the oldest blocked call fail. */
  fail(error: unknown): void {
    this.#oldest().reject(error);
  }

  /** Answers all blocked calls and all later ones: nothing blocks until `shut`. */
  open(answer: (...args: Args) => T | Promise<T>): void {
    this.#answer = answer;
    for (const call of this.#blocked.splice(0)) {
      void (async () => {
        try {
          call.resolve(await answer(...call.args));
        } catch (error) {
          call.reject(error);
        }
      })();
    }
  }

  /** Blocks later calls again. */
  shut(): void {
    this.#answer = undefined;
  }

  #oldest(): Call<Args, T> {
    const call = this.#blocked.shift();
    if (call === undefined) {
      throw new Error(`No call is blocked at this gate (${String(this.calls.length)} so far): await started(n) first`);
    }
    return call;
  }
}
