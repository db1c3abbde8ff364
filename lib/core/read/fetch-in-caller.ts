import { claim } from './claim.js';
import { conclude, fallBack } from './conclude.js';
import { decide, type Decision } from '../decide.js';
import { type Entry, generationOf } from '../entry.js';
import { CircularReadError, FetchTimeoutError } from '../errors.js';
import { tracedFill } from '../fill/traced-fill.js';
import { followUp } from '../fill/follow-up.js';
import { currentFlow } from '../job/fetch-flow.js';
import { groupOf } from './group-of.js';
import type { TurnGroup } from '../job/turn-groups.js';
import { type Filled, isOutdated } from '../job/filled.js';
import type { Acquisition, Awaitable } from '../ports.js';
import { deliver, type Read, serve } from './serve.js';
import { waitForHolder } from './wait-for-holder.js';

type Granted = Extract<Acquisition, { kind: 'granted' }>;

/**
 * Fetches in the caller under a lease, or waits for the holder of the lease, in this process or in another. `stale` is
 * the value to fall back on. Not an async function: where the store is synchronous, the fetch begins before the other
 * readers of a herd arrive.
 */
export function fetchInCaller<Result>(reading: Read<Result>, stale: Entry | undefined): Awaitable<Result> {
  const chain = currentFlow()?.chainTo(reading.key);
  if (chain !== undefined) return refuseCircle(reading, chain, stale);
  // A first claim is made with those of the others that miss in this turn; a reader that had to wait goes on alone.
  const group = stale === undefined ? groupOf(reading) : undefined;
  group?.claiming();
  const answer = claim(reading, generationOf(stale), stale !== undefined);
  return answer instanceof Promise
    ? answeredLater(reading, answer, stale, group)
    : answered(reading, answer, stale, group);
}

async function answeredLater<Result>(
  reading: Read<Result>,
  claiming: Promise<Acquisition | undefined>,
  stale: Entry | undefined,
  group: TurnGroup | undefined,
): Promise<Result> {
  const answer = await claiming;
  const flight = flightOf(reading, answer, stale, group);
  if (flight === undefined) return waitForOthers(reading, answer, stale);
  return conclude(reading, await flight, stale);
}

function answered<Result>(
  reading: Read<Result>,
  answer: Acquisition | undefined,
  stale: Entry | undefined,
  group: TurnGroup | undefined,
): Promise<Result> {
  const flight = flightOf(reading, answer, stale, group);
  if (flight === undefined) return waitForOthers(reading, answer, stale);
  return flight.then((filled) => conclude(reading, filled, stale));
}

/** The fetch that the granted lease is for; undefined where it was not granted. */
function flightOf(
  reading: Read<unknown>,
  answer: Acquisition | undefined,
  stale: Entry | undefined,
  group: TurnGroup | undefined,
): Promise<Filled> | undefined {
  const flight = answer?.kind === 'granted' ? startFill(reading, answer, stale, group) : undefined;
  group?.answered();
  return flight;
}

/** Goes on from a claim that was not granted, until the key has a value, or until this reader may fetch it after all. */
async function waitForOthers<Result>(
  reading: Read<Result>,
  answer: Acquisition | undefined,
  stale: Entry | undefined,
): Promise<Result> {
  const { job, target, args, key } = reading;
  let claimed = answer;
  let generation = generationOf(stale);
  let contradictions = 0;
  for (;;) {
    if (claimed === undefined) return fetchWithoutStore(reading, stale);
    switch (claimed.kind) {
      case 'granted':
        return conclude(reading, await startFill(reading, claimed, stale), stale);
      case 'busy': {
        const flight = job.flights.get(claimed.token);
        if (flight === undefined) {
          const next = await waitForHolder(reading, claimed, generation, stale !== undefined);
          if (next instanceof FetchTimeoutError) return fallBack(reading, next, stale);
          claimed = next;
          continue;
        }
        const filled = await waitFor(reading, flight);
        if (filled instanceof CircularReadError) return fallBack(reading, filled, stale);
        // This reader came after the change that happened during the fetch, so it must not get the value from before.
        if (isOutdated(filled)) break;
        // The store did not answer, so it is unknown whether the key was changed during the fetch.
        if (filled.kind === 'unstored' && filled.because === 'unreachable') return fetchWithoutStore(reading, stale);
        return conclude(reading, filled, stale);
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
          break;
        }
        // The store says that the key has a value, but a read finds none: the entry cannot be read.
        if (generation === '' && ++contradictions > 1) return fetchWithoutStore(reading, stale);
        generation = '';
      }
    }
    const next = claim(reading, generation, stale !== undefined);
    claimed = next instanceof Promise ? await next : next;
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
 * Starts the fetch of a key whose lease was granted, or joins it: readers that shared a claim share its lease. The outcome
 * is reported here, once for all that join.
 */
function startFill(
  reading: Read<unknown>,
  granted: Granted,
  stale: Entry | undefined,
  group?: TurnGroup,
): Promise<Filled> {
  return reading.job.flights.run(
    granted.lease.token,
    () => fillForReader(reading, granted, stale, group),
    (filled) => reportFilled(reading, filled, stale, granted.failures),
  );
}

/** The fill of the one reader that holds the lease, or of one without a lease because the store cannot be reached. */
function fillForReader(
  reading: Read<unknown>,
  granted: Granted | undefined,
  stale: Entry | undefined,
  group?: TurnGroup,
): Promise<Filled> {
  const { job, target, args, context, key } = reading;
  const { lease, failures, previous } = granted ?? { lease: undefined, failures: 0, previous: () => stale };
  const recordFailure = stale !== undefined;
  const filling = { target, args, context, key, background: false, lease, failures, previous, recordFailure };
  return group === undefined ? tracedFill(job, filling) : group.fill(filling);
}

function reportFilled(reading: Read<unknown>, filled: Filled, stale: Entry | undefined, failures: number): void {
  const { job, key } = reading;
  if (filled.kind === 'refused') job.reportRefused(key, filled.error);
  if (stale === undefined) return;
  const isRevoked = filled.kind === 'unstored' && filled.because === 'revoked';
  if (isRevoked || (filled.kind === 'stored' && filled.isStale)) {
    void followUp(job, reading);
  } else if (filled.kind === 'failed' && filled.decision === 'stale') {
    job.reportRefreshFailure(key, filled.error, failures + 1, filled.retryIn);
  }
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
  const flight = job.unstored.run(
    key,
    () => fillForReader(reading, undefined, stale),
    (filled) => reportFilled(reading, filled, stale, 0),
  );
  const filled = await waitFor(reading, flight);
  if (filled instanceof CircularReadError) return fallBack(reading, filled, stale);
  return conclude(reading, filled, stale);
}

/** Waits for a fetch of this process, unless that fetch waits for the one that the reader is a part of. */
function waitFor(reading: Read<unknown>, flight: Promise<Filled>): Promise<Filled | CircularReadError> {
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
