import type { JobOptions } from '../../lib/core/policy/job-options.js';
import type { Random } from './random.js';

/**
 * What may go wrong.
 *
 * `loss`    single requests and answers of the store get lost.      `cut`     one process cannot reach the store.
 * `slow`    answers come after their deadline.                      `outage`  nobody can reach the store.
 * `wipe`    the store comes back empty.                             `crash`   a process dies, and a new one starts.
 * `freeze`  a process stands still, past its leases.                `queue`   requests for refreshes are refused or get lost.
 * `origin`  fetches fail.                                           `hang`    fetches never end.
 * `feed`    the connection that tells near tiers of changes breaks.
 */
export const FAULTS = [
  'loss',
  'cut',
  'slow',
  'outage',
  'wipe',
  'crash',
  'freeze',
  'queue',
  'origin',
  'hang',
  'feed',
] as const;
export type Fault = (typeof FAULTS)[number];

/** The parameters of one schedule. */
export interface Settings {
  /** One process with a store of its own that returns no promises. */
  readonly embedded: boolean;
  readonly processes: number;
  readonly keys: readonly string[];
  readonly steps: number;
  /** Processes have copies, and changes by others are reported to them. */
  readonly near: boolean;
  /** Requests go through a queue between the processes, and one process only requests. */
  readonly sharedQueue: boolean;
  /** The requests of one process to the store arrive in their order, as they do on one connection. */
  readonly inOrder: boolean;
  readonly batches: boolean;
  readonly faults: ReadonlySet<Fault>;
  readonly options: JobOptions;
  /** Milliseconds. */
  readonly ttl: number;
  /** Milliseconds. */
  readonly grace: number;
}

/** Milliseconds. Short, so that dead and waiting processes take few steps, and longer than everything that works. */
export const REFRESH_TIMEOUT = 2_000;
export const FETCH_TIMEOUT = 5_000;
export const STORE_TIMEOUT = 500;
export const NEAR_AGE = 3_000;
/** Milliseconds past its ttl after which a value is too stale, in jobs that have such a threshold. */
export const TOO_STALE = 2_000;

const NOT_EMBEDDED: ReadonlySet<Fault> = new Set(['loss', 'cut', 'slow', 'outage', 'feed']);

export function settingsFrom(random: Random): Settings {
  const embedded = random.chance(0.12);
  const near = !embedded && random.chance(0.35);
  const sharedQueue = random.chance(0.75);
  const calm = random.chance(0.35);
  const possible = FAULTS.filter(
    (fault) =>
      !(embedded && NOT_EMBEDDED.has(fault)) && (near || fault !== 'feed') && (sharedQueue || fault !== 'queue'),
  );
  const faults = new Set(calm ? [] : possible.filter((fault) => random.chance(fault === 'feed' ? 0.5 : 0.25)));
  const ttl = random.pick([4, 10]);
  const grace = random.pick([0, 5, 60, 60]);
  const options: JobOptions = {
    ttl,
    grace,
    refreshTimeout: `${REFRESH_TIMEOUT}ms`,
    fetchTimeout: `${FETCH_TIMEOUT}ms`,
    backoff: { initial: 1, factor: 2, max: 4 },
    tags: (_value: unknown, name: unknown) => ['all', `only ${String(name)}`],
    fetchOnMiss: random.chance(0.8),
    ...(random.chance(0.35) ? { fetchOnStaleThreshold: ttl + TOO_STALE / 1_000 } : {}),
    ...(random.chance(0.2) ? { refreshAhead: 0.5 } : {}),
    ...(random.chance(0.2) ? { jitter: 0.2 } : {}),
    ...(random.chance(0.2) ? { queue: { attempts: 2, ...(random.chance(0.5) ? { delay: 0.4 } : {}) } } : {}),
    ...(random.chance(0.2) ? { onError: () => random.pick(['stale', 'delete', { ttl: 1 }] as const) } : {}),
  };
  return {
    embedded,
    processes: embedded ? 1 : random.between(2, 3),
    keys: random.chance(0.6) ? ['a'] : ['a', 'b'],
    steps: random.between(12, 36),
    near,
    sharedQueue,
    inOrder: near || random.chance(0.5),
    batches: random.chance(0.25),
    faults,
    options,
    ttl: ttl * 1_000,
    grace: grace * 1_000,
  };
}
