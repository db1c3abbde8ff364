import { QueueError } from '../core/errors.js';
import { redisRefusal } from '../nest/redis-refusal.js';

/** Milliseconds without a failure after which an outage of the connections is over. */
const QUIET = 3_000;
/**
 * The same where Redis refuses commands. An idle worker is refused only when it looks for a request: it waits five seconds
 * for one at the most, and rests for one second after a refusal.
 */
const QUIET_AFTER_REFUSAL = 8_000;

/**
 * Reports what the connections and the worker of BullMQ emit: one failure for each cause of an outage, however often it is
 * emitted, and one report when the outage is over.
 */
export class OutageReporter {
  /** What Redis has refused, by the first word of its replies, and `connection`. */
  readonly #causes = new Set<string>();
  #since: number | undefined;
  /** When the last failure was emitted, or the connection was ready after it. */
  #until = 0;
  #isConnected = true;
  #quiet: NodeJS.Timeout | undefined;

  constructor(
    private readonly report: (error: QueueError) => void,
    /** Called with the seconds that the outage took, from its first failure to its last. */
    private readonly onEnd: (seconds: number) => void = () => undefined,
  ) {}

  emitted(error: Error): void {
    const cause = causeOf(error);
    if (cause === undefined) {
      this.report(new QueueError('work', { cause: described(error) }));
      return;
    }
    this.#until = performance.now();
    this.#since ??= this.#until;
    const isOfConnection = cause === 'connection' || cause === 'authentication';
    if (isOfConnection) this.#isConnected = false;
    const isNew = !this.#causes.has(cause);
    this.#causes.add(cause);
    this.#awaitQuiet();
    if (!isNew) return;
    this.report(new QueueError(isOfConnection ? 'connect' : 'work', { cause: described(error) }));
  }

  /** A connection is ready. Redis may still refuse what it is asked, so the outage is over only when it stays quiet. */
  connected(): void {
    this.#isConnected = true;
    // Where there were other causes, the other connections may still be on their way.
    if (this.#causes.size === 1) this.#causes.delete('connection');
    if (this.#since === undefined) return;
    this.#until = performance.now();
    this.#awaitQuiet();
  }

  close(): void {
    clearTimeout(this.#quiet);
  }

  #awaitQuiet(): void {
    clearTimeout(this.#quiet);
    const isRefused = [...this.#causes].some((cause) => cause !== 'connection');
    this.#quiet = setTimeout(
      () => {
        if (!this.#isConnected || this.#since === undefined) return;
        this.onEnd((this.#until - this.#since) / 1_000);
        this.#since = undefined;
        this.#causes.clear();
      },
      isRefused ? QUIET_AFTER_REFUSAL : QUIET,
    ).unref();
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
