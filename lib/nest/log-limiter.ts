/** Milliseconds in which one line of a kind is written. */
const INTERVAL = 60_000;
/** Kinds that are remembered. Of more, the oldest is forgotten, and its count is written. */
const MOST_KINDS = 1_000;

interface Period {
  readonly until: number;
  readonly cancel: () => void;
  leftOut: number;
}

export interface LogLimiterOptions {
  /** Writes how many lines of a kind were left out since its last line. */
  readonly writeLeftOut: (kind: string, count: number) => void;
  /** Milliseconds on a clock that nobody sets. */
  readonly now?: () => number;
  readonly schedule?: (ms: number, run: () => void) => () => void;
}

/**
 * Lets one log line of a kind through in a minute, and counts the others. Without it a client that can make
 * something fail, with a request or by refusing writes, could fill the log.
 */
export class LogLimiter {
  readonly #periods = new Map<string, Period>();
  readonly #options: Required<LogLimiterOptions>;

  constructor({ writeLeftOut, now = () => performance.now(), schedule = hostTimer }: LogLimiterOptions) {
    this.#options = { writeLeftOut, now, schedule };
  }

  /** Whether a line of this kind may be written now. */
  allows(kind: string): boolean {
    const { now, schedule } = this.#options;
    const period = this.#periods.get(kind);
    if (period !== undefined && now() < period.until) {
      period.leftOut++;
      return false;
    }
    this.#end(kind);
    const [oldest] = this.#periods.keys();
    if (this.#periods.size >= MOST_KINDS && oldest !== undefined) this.#end(oldest);
    const cancel = schedule(INTERVAL, () => {
      this.#end(kind);
    });
    this.#periods.set(kind, { until: now() + INTERVAL, cancel, leftOut: 0 });
    return true;
  }

  /** Writes all counts. */
  close(): void {
    for (const kind of [...this.#periods.keys()]) this.#end(kind);
  }

  #end(kind: string): void {
    const period = this.#periods.get(kind);
    if (period === undefined) return;
    this.#periods.delete(kind);
    period.cancel();
    if (period.leftOut > 0) this.#options.writeLeftOut(kind, period.leftOut);
  }
}

function hostTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms).unref();
  return () => {
    clearTimeout(timer);
  };
}
