import type { Clock } from '../core/ports.js';

/** The longest delay that `setTimeout` knows; anything above fires at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The time and the timers of this process. Its timers do not keep the process alive. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  schedule(ms: number, run: () => void): () => void {
    let remaining = ms;
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const delay = Math.min(remaining, LONGEST_TIMEOUT);
      remaining -= delay;
      timer = setTimeout(remaining > 0 ? wait : run, delay);
      timer.unref();
    };
    wait();
    return () => {
      clearTimeout(timer);
    };
  }

  defer(run: () => void): void {
    setImmediate(run);
  }
}
