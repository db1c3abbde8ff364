/** Milliseconds between two records that the event loop runs. */
const INTERVAL = 50;
/** Milliseconds. Reports of changes may wait in a socket for as long as the event loop has not completed a turn. */
const LONGEST_TURN = 100;

/**
 * Whether this process has read what a server has reported. A process that was stopped, or whose event loop was
 * blocked, continues where it was: its next read may come before it has read its sockets. So after a standstill nothing
 * counts as current until `catchUp` has ended.
 */
export class StandstillWatch {
  readonly #timer: NodeJS.Timeout;
  /** When the event loop last completed a turn, by a clock that does not stop with the process. */
  #lastTurn = performance.now();
  #catchingUp = false;

  /** @param catchUp resolves when everything has been read that was sent before the call; it never rejects. */
  constructor(private readonly catchUp: () => Promise<void>) {
    this.#timer = setInterval(() => {
      // Sockets are read after timers and before immediates.
      if (this.isCurrent) setImmediate(this.#note);
    }, INTERVAL).unref();
  }

  /** Costs one reading of the clock. */
  get isCurrent(): boolean {
    if (this.#catchingUp) return false;
    if (performance.now() - this.#lastTurn <= LONGEST_TURN) return true;
    this.#catchingUp = true;
    void this.catchUp().then(() => {
      this.#catchingUp = false;
      this.#note();
    });
    return false;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  readonly #note = (): void => {
    this.#lastTurn = performance.now();
  };
}
