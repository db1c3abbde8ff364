import { type Entry, generationOf, servableUntil } from './entry.js';
import { FetchTimeoutError } from './errors.js';
import { fill } from './fill.js';
import type { Filled } from './filled.js';
import type { JobCore } from './job-core.js';
import { copyPortable } from './portable.js';
import type { Acquisition, Awaitable } from './ports.js';
import { countMiss, deliver, finish, type Read, serve } from './serve.js';

/** How often a reader who waits for another process's fetch looks whether it has ended. */
const POLL = 25;

/**
 * Fetches in the caller under a lease, or waits for whoever holds it, in this process or in another. `stale` is what to
 * fall back on.
 */
export async function fetchInCaller<Result>(
  reading: Read<Result>,
  stale: Entry | undefined,
): Promise<Result> {
  const { job, key } = reading;
  const { clock } = job.environment;
  let holder = '';
  let deadline = Infinity;
  let generation = generationOf(stale);
  let contradictions = 0;
  for (;;) {
    const claimed = await claim(reading, generation, stale !== undefined);
    if (claimed === undefined) return fetchWithoutStore(reading, stale);
    switch (claimed.kind) {
      case 'granted': {
        const granted = claimed;
        const filled = await job.flights.run(granted.lease.token, () =>
          fillForReader(reading, granted, stale),
        );
        return conclude(reading, filled, stale);
      }
      case 'busy': {
        const flight = job.flights.get(claimed.token);
        if (flight !== undefined) {
          const filled = await flight;
          if (filled.kind === 'unstored') {
            // What changed during its fetch is not what a reader may be given who came after that.
            if (filled.because === 'revoked' || filled.because === 'lost') continue;
            // Nobody can say whether it did.
            if (filled.because === 'unreachable') return fetchWithoutStore(reading, stale);
          }
          return conclude(reading, filled, stale);
        }
        // Each holder has the time of one fetch: whoever follows one whose fetch was in vain has done nothing wrong.
        if (claimed.token !== holder) {
          holder = claimed.token;
          deadline = clock.now() + job.policy.fetchTimeout;
        }
        if (clock.now() >= deadline) {
          const error = new FetchTimeoutError(job.name, key, job.policy.fetchTimeout);
          return fallBack(reading, error, stale);
        }
        await pause(job, Math.min(POLL, claimed.remaining + 1));
        continue;
      }
      case 'backoff':
        // Only one who has something to fall back on asks the store to respect a backoff.
        if (stale !== undefined) return serve(reading, stale, 'stale', job.store.now(), false);
        return fetchWithoutStore(reading, stale);
      case 'changed': {
        const entry = await job.attempt('read', key, () => job.store.read(key));
        const now = job.store.now();
        if (entry !== undefined && entry.kind !== 'vacant' && now <= servableUntil(entry)) {
          return deliver(reading, entry, now);
        }
        // A store that has something other than nothing, and nothing to read, has an entry that it cannot read.
        if (generation === '' && ++contradictions > 1) return fetchWithoutStore(reading, stale);
        generation = '';
      }
    }
  }
}

/**
 * Concurrent misses of one key share one question to the store, not its answer's fetch: that is joined by lease. Who may
 * be told to wait for a backoff asks another question than who has nothing to fall back on.
 * Undefined: the store did not answer, which has been reported once for all who asked.
 */
export function claim(
  reading: Read<unknown>,
  generation: string,
  respectBackoff: boolean,
): Promise<Acquisition | undefined> {
  const { job, key } = reading;
  const { lease } = job.policy;
  return job.claims.run(`${respectBackoff ? 'unless backing off' : 'at once'} ${generation} ${key}`, () =>
    job.attempt('acquire', key, () =>
      job.store.acquire(key, { lease, generation, respectBackoff, takeOver: false }),
    ),
  );
}

/**
 * The fill of the one reader who holds the lease, or has none because the store cannot be reached; whoever joins it
 * finds everything reported.
 */
async function fillForReader(
  reading: Read<unknown>,
  granted: Extract<Acquisition, { kind: 'granted' }> | undefined,
  stale: Entry | undefined,
): Promise<Filled> {
  const { job, target, args, key } = reading;
  const { lease, failures, previous } = granted ?? { lease: undefined, failures: 0, previous: () => stale };
  const recordFailure = stale !== undefined;
  const filled = await fill(job, {
    target,
    args,
    key,
    background: false,
    lease,
    failures,
    previous,
    recordFailure,
  });
  if (filled.kind === 'refused') job.reportRefused(key, filled.error);
  if (stale === undefined) return filled;
  if (filled.kind === 'unstored' && filled.because === 'revoked') {
    job.requests.want(job, key, args, stale);
  } else if (filled.kind === 'failed' && filled.decision === 'stale') {
    job.reportRefreshFailure(key, filled.error, failures + 1, filled.retryIn);
  }
  return filled;
}

/** The store cannot be reached: readers of this process share one fetch, and nothing is stored. */
export async function fetchWithoutStore<Result>(
  reading: Read<Result>,
  stale?: Entry,
): Promise<Result> {
  const { job, key } = reading;
  const filled = await job.flights.run(`unstored ${key}`, () => fillForReader(reading, undefined, stale));
  return conclude(reading, filled, stale);
}

/** What a fill means to a reader who waited for it. */
export function conclude<Result>(
  reading: Read<Result>,
  filled: Filled,
  stale: Entry | undefined,
): Awaitable<Result> {
  if (filled.kind === 'failed') {
    return fallBack(reading, filled.error, filled.decision === 'stale' ? stale : undefined);
  }
  countMiss(reading, true);
  const copied = filled.kind !== 'refused' && filled.copyOnRead;
  const value = copied ? copyPortable(filled.value) : filled.value;
  const age = Math.max(0, reading.job.store.now() - filled.startedAt) / 1_000;
  return finish(reading, value, 'miss', age, false, true);
}

/** The fetch failed: the stale value if there is one that may still be served, else the original error. */
function fallBack<Result>(
  reading: Read<Result>,
  error: unknown,
  stale: Entry | undefined,
): Awaitable<Result> {
  const now = reading.job.store.now();
  if (stale !== undefined && now <= servableUntil(stale)) {
    return serve(reading, stale, 'stale', now, false, true);
  }
  countMiss(reading, true, error);
  throw error;
}

function pause(job: JobCore, ms: number): Promise<void> {
  return new Promise((resolve) => {
    job.environment.clock.schedule(ms, resolve);
  });
}
