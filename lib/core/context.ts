import { AsyncLocalStorage } from 'node:async_hooks';
import type { Duration } from './duration.js';
import { NoRefreshContextError } from './errors.js';

/** What a fetch may ask and say about itself while it runs. */
export interface RefreshContext {
  /** Fires at `fetchTimeout`. */
  readonly signal: AbortSignal;
  /** The key that is being filled; `''` when the method runs uncached. */
  readonly key: string;
  /** No reader waits for this fetch. */
  readonly background: boolean;
  /** 1, and one more for each failure in a row before it. */
  readonly attempt: number;
  /** The value that this fetch will replace, or undefined: to send an `If-None-Match`, say. */
  readonly previous: unknown;
  /** Overrides `ttl` for this value. */
  setTtl(ttl: Duration): void;
  /** Overrides `tags` for this value. */
  setTags(tags: readonly string[]): void;
  /** Do not store what this fetch returns; what is stored stays. */
  skip(): void;
}

/** What the fetch said. */
export interface FetchWishes {
  ttl?: Duration;
  tags?: readonly string[];
  skipped: boolean;
}

const storage = new AsyncLocalStorage<RefreshContext>();

/** The context of the fetch that is running. Throws a {@link NoRefreshContextError} outside of one. */
export function refreshContext(): RefreshContext {
  const context = storage.getStore();
  if (context === undefined) throw new NoRefreshContextError();
  return context;
}

/** Runs `fetch` with a context; its wishes end up in `wishes`. */
export function runInContext<Result>(
  about: Pick<RefreshContext, 'signal' | 'key' | 'background' | 'attempt'>,
  previous: () => unknown,
  wishes: FetchWishes,
  fetch: () => Result,
): Result {
  const context: RefreshContext = {
    ...about,
    get previous() {
      return previous();
    },
    setTtl: (ttl) => void (wishes.ttl = ttl),
    setTags: (tags) => void (wishes.tags = tags),
    skip: () => void (wishes.skipped = true),
  };
  return whileRunning(() => storage.run(context, fetch));
}

let running = 0;

/**
 * On Node 20 an async local storage that has ever run makes every promise of the process cost about twice as much, a hit
 * of this cache included. So it is switched off whenever no fetch is running.
 */
function whileRunning<Result>(run: () => Result): Result {
  const leave = (): void => {
    running--;
    if (running === 0) storage.disable();
  };
  running++;
  try {
    const result = run();
    if (result instanceof Promise) result.then(leave, leave);
    else leave();
    return result;
  } catch (error) {
    leave();
    throw error;
  }
}

/** Runs a method that is not cached, so that what it asks of its context has an answer. */
export function runUncached<Result>(fetch: () => Result): Result {
  const { signal } = new AbortController();
  const about = { signal, key: '', background: false, attempt: 1 };
  return runInContext(about, () => undefined, { skipped: false }, fetch);
}
