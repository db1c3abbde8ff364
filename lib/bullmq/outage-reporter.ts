import { QueueError } from '../core/errors.js';
import { redisRefusal } from '../nest/redis-refusal.js';

/** Milliseconds without a failure after which an outage is over. Longer than a worker rests after a refusal. */
const QUIET = 3_000;

/**
 * Reports what the connections and the worker of BullMQ emit: one failure for each cause of an outage, however often it is
 * emitted, and one report when the outage is over.
 */
export class OutageReporter {
  /** What Redis has refused, by the first word of its replies, and `connection`. */
  readonly #causes = new Set<string>();
  #since: number | undefined;
  #isConnected = true;
  #quiet: NodeJS.Timeout | undefined;

  constructor(
    private readonly report: (error: QueueError) => void,
    /** Called with the seconds that the outage took. */
    private readonly onEnd: (seconds: number) => void = () => undefined,
  ) {}

  emitted(error: Error): void {
    const cause = causeOf(error);
    if (cause === undefined) {
      this.report(new QueueError('work', { cause: described(error) }));
      return;
    }
    this.#since ??= performance.now();
    const isOfConnection = cause === 'connection' || cause === 'authentication';
    if (isOfConnection) this.#isConnected = false;
    this.#awaitQuiet();
    if (this.#causes.has(cause)) return;
    this.#causes.add(cause);
    this.report(new QueueError(isOfConnection ? 'connect' : 'work', { cause: described(error) }));
  }

  /** A connection is ready. Redis may still refuse what it is asked, so the outage is over only when it stays quiet. */
  connected(): void {
    this.#isConnected = true;
    // Where there were other causes, the other connections may still be on their way.
    if (this.#causes.size === 1) this.#causes.delete('connection');
    if (this.#since !== undefined) this.#awaitQuiet();
  }

  close(): void {
    clearTimeout(this.#quiet);
  }

  #awaitQuiet(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      if (!this.#isConnected || this.#since === undefined) return;
      this.onEnd((performance.now() - this.#since) / 1_000);
      this.#since = undefined;
      this.#causes.clear();
    }, QUIET).unref();
  }
}

/** True where Redis was reached and did not do what it was asked. */
export function isRefusal(error: Error): boolean {
  const cause = causeOf(error);
  return cause !== undefined && cause !== 'connection';
}

/**
 * Undefined for errors that are no outage. Node's socket errors have a textual code and BullMQ's own errors a number.
 * ioredis says in the message what was cut off. Replies of Redis begin with a word in capitals.
 */
function causeOf(error: Error): string | undefined {
  const { code, message } = error as Error & { readonly code?: unknown };
  const refusal = redisRefusal(message);
  if (refusal !== undefined) return refusal;
  if (typeof code === 'string' || /connection is closed|max retries per request/i.test(message)) return 'connection';
  return undefined;
}

/** For a host with several addresses Node's error has no message. */
function described(error: Error): Error {
  if (error.message !== '') return error;
  return new Error((error as NodeJS.ErrnoException).code ?? error.name, { cause: error });
}
