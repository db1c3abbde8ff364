import { decide, type Decision } from '../decide.js';
import { type Entry, generationOf, servableUntil } from '../entry.js';
import { CircularReadError, FetchTimeoutError } from '../errors.js';
import { tracedFill } from '../fill/traced-fill.js';
import { followUp } from '../fill/follow-up.js';
import { currentFlow } from '../job/fetch-flow.js';
import { ForeignFetch } from './foreign-fetch.js';
import { groupOf } from './group-of.js';
import type { TurnGroup } from '../job/turn-groups.js';
import { currentCollector } from '../job/read-collector.js';
import { type Filled, isOutdated } from '../job/filled.js';
import type { Acquisition, Awaitable } from '../ports.js';
import { countMiss, deliver, finish, type Read, serve } from './serve.js';

/**
 * Fetches in the caller under a lease, or waits for the holder of the lease, in this process or in another. `stale` is
 * the value to fall back on.
 */
export async function fetchInCaller<Result>(reading: Read<Result>, stale: Entry | undefined): Promise<Result> {
  const foreign = new ForeignFetch(reading.job, reading.key);
  try {
    return await fetchOrWait(reading, stale, foreign);
  } finally {
    foreign.end();
  }
}

async function fetchOrWait<Result>(
  reading: Read<Result>,
  stale: Entry | undefined,
  foreign: ForeignFetch,
): Promise<Result> {
  const { job, target, args, key } = reading;
  const { clock } = job.environment;
  let holder = '';
  let deadline = Infinity;
  let generation = generationOf(stale);
  let contradictions = 0;
  const chain = currentFlow()?.chainTo(key);
  if (chain !== undefined) return refuseCircle(reading, chain, stale);
  // A first claim is made with those of the others that miss in this turn; a reader that had to wait goes on alone.
  let group = stale === undefined ? groupOf(reading) : undefined;
  for (;;) {
    group?.claiming();
    const claimed = await claim(reading, generation, stale !== undefined);
    const together = group;
    group = undefined;
    if (claimed?.kind === 'granted') {
      const granted = claimed;
      const flight = job.flights.run(granted.lease.token, () => fillForReader(reading, granted, stale, together));
      together?.answered();
      return conclude(reading, await flight, stale);
    }
    together?.answered();
    if (claimed === undefined) return fetchWithoutStore(reading, stale);
    switch (claimed.kind) {
      case 'busy': {
        const flight = job.flights.get(claimed.token);
        if (flight !== undefined) {
          const filled = await waitFor(reading, flight);
          if (filled instanceof CircularReadError) return fallBack(reading, filled, stale);
          // This reader came after the change that happened during the fetch, so it must not get the value from before.
          if (isOutdated(filled)) continue;
          // The store did not answer, so it is unknown whether the key was changed during the fetch.
          if (filled.kind === 'unstored' && filled.because === 'unreachable') return fetchWithoutStore(reading, stale);
          return conclude(reading, filled, stale);
        }
        // Each holder gets the time of one fetch. A holder that follows a failed one starts with a full deadline.
        if (claimed.token !== holder) {
          holder = claimed.token;
          deadline = clock.now() + job.policy.fetchTimeout;
        }
        if (clock.now() >= deadline) {
          const error = new FetchTimeoutError(job.name, key, job.policy.fetchTimeout);
          return fallBack(reading, error, stale);
        }
        await foreign.wait(claimed.remaining + 1);
        continue;
      }
      case 'backoff':
        // Only a reader with a stale value asks the store to respect the backoff.
        if (stale !== undefined) return serve(reading, stale, 'stale', job.store.now(), false);
        return fetchWithoutStore(reading, stale);
      case 'changed': {
        const entry = await job.attempt('read', key, () => job.store.read(key));
        const now = job.store.now();
        const decision = decide(entry, job.policy.staleness(target, args), now);
        if (entry !== undefined && decision !== 'miss') {
          if (decision !== 'too-stale') return serveFound(reading, entry, decision, now);
          stale = entry;
          generation = generationOf(entry);
          continue;
        }
        // The store says that the key has a value, but a read finds none: the entry cannot be read.
        if (generation === '' && ++contradictions > 1) return fetchWithoutStore(reading, stale);
        generation = '';
      }
    }
  }
}

/** Serves what another reader or process filled meanwhile. It may have been invalidated since. */
function serveFound<Result>(
  reading: Read<Result>,
  entry: Entry,
  decision: Exclude<Decision, 'miss' | 'too-stale'>,
  now: number,
): Awaitable<Result> {
  if (decision === 'fresh' || decision === 'fresh-ageing') return deliver(reading, entry, now);
  const refreshing = decision === 'stale';
  if (refreshing) reading.job.requests.want(reading.job, reading, entry);
  return serve(reading, entry, 'stale', now, refreshing);
}

/**
 * Concurrent misses of one key share one claim; the fetch is joined by the lease's token. Readers with a stale value
 * respect the backoff and readers without one do not, so the two must not share a claim. Undefined when the store did
 * not answer, which has been reported once for all readers.
 */
export function claim(
  reading: Read<unknown>,
  generation: string,
  respectBackoff: boolean,
): Promise<Acquisition | undefined> {
  const { job, key } = reading;
  const { lease } = job.policy;
  return job.claims.run(`${respectBackoff ? 'unless backing off' : 'at once'} ${generation} ${key}`, () =>
    job.attempt('acquire', key, () => job.store.acquire(key, { lease, generation, respectBackoff, takeOver: false })),
  );
}

/**
 * The fill of the one reader that holds the lease, or of one without a lease because the store cannot be reached. Its
 * outcome is reported here, once for all that join it.
 */
async function fillForReader(
  reading: Read<unknown>,
  granted: Extract<Acquisition, { kind: 'granted' }> | undefined,
  stale: Entry | undefined,
  group?: TurnGroup,
): Promise<Filled> {
  const { job, target, args, context, key } = reading;
  const { lease, failures, previous } = granted ?? { lease: undefined, failures: 0, previous: () => stale };
  const recordFailure = stale !== undefined;
  const filling = { target, args, context, key, background: false, lease, failures, previous, recordFailure };
  const filled = await (group === undefined ? tracedFill(job, filling) : group.fill(filling));
  if (filled.kind === 'refused') job.reportRefused(key, filled.error);
  if (stale === undefined) return filled;
  const isRevoked = filled.kind === 'unstored' && filled.because === 'revoked';
  if (isRevoked || (filled.kind === 'stored' && filled.isStale)) {
    void followUp(job, reading);
  } else if (filled.kind === 'failed' && filled.decision === 'stale') {
    job.reportRefreshFailure(key, filled.error, failures + 1, filled.retryIn);
  }
  return filled;
}

/** Fetches while the store cannot be reached. Readers of this process share one fetch, and nothing is stored. */
export async function fetchWithoutStore<Result>(reading: Read<Result>, stale?: Entry): Promise<Result> {
  const { job, key } = reading;
  const chain = currentFlow()?.chainTo(key);
  if (chain !== undefined) return refuseCircle(reading, chain, stale);
  const earlier = job.unstored.earlier(key, reading.arrival);
  if (earlier !== undefined) {
    // That fetch may be older than a change that this reader knows of. When it has ended, the store may be back.
    const ended = await waitFor(reading, earlier);
    if (ended instanceof CircularReadError) return fallBack(reading, ended, stale);
    return fetchInCaller(reading, stale);
  }
  const flight = job.unstored.run(key, () => fillForReader(reading, undefined, stale));
  const filled = await waitFor(reading, flight);
  if (filled instanceof CircularReadError) return fallBack(reading, filled, stale);
  return conclude(reading, filled, stale);
}

/** Waits for a fetch of this process, unless that fetch waits for the one that the reader is a part of. */
async function waitFor(reading: Read<unknown>, flight: Promise<Filled>): Promise<Filled | CircularReadError> {
  const { job, key } = reading;
  const flow = currentFlow();
  if (flow === undefined) return flight;
  const refuse = (chain: readonly string[]): CircularReadError => new CircularReadError(job.name, key, chain);
  return flow.waitFor<Filled | CircularReadError>(job.fetching.get(key), () => flight, refuse);
}

/** A read that waits for itself would wait until `fetchTimeout`, so it fails at once. */
function refuseCircle<Result>(
  reading: Read<Result>,
  chain: readonly string[],
  stale: Entry | undefined,
): Awaitable<Result> {
  return fallBack(reading, new CircularReadError(reading.job.name, reading.key, chain), stale);
}

/** What the outcome of a fill means for a reader that waited for it. */
export function conclude<Result>(reading: Read<Result>, filled: Filled, stale: Entry | undefined): Awaitable<Result> {
  const { job } = reading;
  const sinceStart = Math.max(0, job.store.now() - filled.startedAt);
  const dependencies = currentFlow()?.dependencies;
  const collector = currentCollector();
  if (filled.kind === 'failed') {
    dependencies?.add(sinceStart, filled.tags);
    return fallBack(reading, filled.error, filled.decision === 'stale' ? stale : undefined);
  }
  countMiss(reading, true);
  if (filled.kind === 'refused') {
    dependencies?.add(sinceStart, []);
    collector?.add({ status: 'miss', age: sinceStart / 1_000, freshFor: 0, staleFor: 0, stored: false, failed: false });
    return finish(reading, filled.value, 'miss', sinceStart / 1_000, false, true);
  }
  const { made } = filled;
  const age = sinceStart + (made.inheritedAge ?? 0);
  dependencies?.add(age, made.tags);
  collector?.add({
    status: 'miss',
    age: age / 1_000,
    freshFor: (made.ttl - sinceStart) / 1_000,
    staleFor: made.grace / 1_000,
    stored: filled.kind === 'stored',
    failed: false,
  });
  return finish(reading, job.forReader(made), 'miss', age / 1_000, false, true);
}

/** After a failed fetch: the stale value if it may still be served, else the original error. */
function fallBack<Result>(reading: Read<Result>, error: unknown, stale: Entry | undefined): Awaitable<Result> {
  const now = reading.job.store.now();
  if (stale !== undefined && now <= servableUntil(stale)) {
    return serve(reading, stale, 'stale', now, false, true);
  }
  countMiss(reading, true, error);
  throw error;
}
