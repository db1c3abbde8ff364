import { noWishes, type WishesOf } from './fetch-wishes.js';
import { NoRefreshContextError } from '../errors.js';
import { currentFlow, FetchFlow } from '../job/fetch-flow.js';
import type { Duration } from '../policy/duration.js';

/** What a running fetch can learn about itself, and the wishes that it can make. */
export interface RefreshContext {
  /** Fires at `fetchTimeout`. */
  readonly signal: AbortSignal;
  /** The key that is being filled, inside `fetchMany` the first of them; `''` when the method runs uncached. */
  readonly key: string;
  /** True when no reader waits for this fetch. */
  readonly background: boolean;
  /** 1, and one more for each consecutive failure before it. */
  readonly attempt: number;
  /**
   * The value that this fetch will replace, or undefined: for example to send an `If-None-Match`. Undefined inside
   * `fetchMany`.
   */
  readonly previous: unknown;
  /** Overrides `ttl` for this value. Inside `fetchMany` for the value of `args`, one of the lists that it was given. */
  setTtl(ttl: Duration, args?: readonly unknown[]): void;
  /** Overrides `tags` for this value. Inside `fetchMany` for the value of `args`. */
  setTags(tags: readonly string[], args?: readonly unknown[]): void;
  /** Do not store what this fetch returns; the stored value stays. Inside `fetchMany` for the value of `args`. */
  skip(args?: readonly unknown[]): void;
}

type ContextFacts = Pick<RefreshContext, 'key' | 'background' | 'attempt'>;

/** The context of the running fetch. Throws a {@link NoRefreshContextError} outside of one. */
export function refreshContext(): RefreshContext {
  const flow = currentFlow();
  if (flow === undefined) throw new NoRefreshContextError();
  return flow.context as RefreshContext;
}

export function createContext(
  facts: ContextFacts,
  deadline: { readonly signal: AbortSignal },
  previous: () => unknown,
  wishesOf: WishesOf,
): RefreshContext {
  return {
    ...facts,
    get signal() {
      return deadline.signal;
    },
    get previous() {
      return previous();
    },
    setTtl: (ttl, args) => void (wishesOf('setTtl', args).ttl = ttl),
    setTags: (tags, args) => void (wishesOf('setTags', args).tags = tags),
    skip: (args) => void (wishesOf('skip', args).skipped = true),
  };
}

/** Runs a method that is not cached, so that `refreshContext()` works in it. */
export function runUncached<Result>(fetch: () => Result): Result {
  const facts = { key: '', background: false, attempt: 1 };
  const context = (): RefreshContext => createContext(facts, new AbortController(), () => undefined, noWishes);
  // The cached values that it reads count for the fetch that called it.
  const outer = currentFlow();
  return new FetchFlow(context, NO_KEYS, outer?.dependencies, outer?.buildsOnNew === true, outer).run(fetch);
}

const NO_KEYS: readonly string[] = [];
