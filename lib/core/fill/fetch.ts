import { createContext, type RefreshContext } from './fetch-context.js';
import { FetchDeadline } from './fetch-deadline.js';
import type { WishesOf } from './fetch-wishes.js';
import type { Entry } from '../entry.js';
import { FetchTimeoutError } from '../errors.js';
import type { Dependencies } from '../job/dependencies.js';
import { currentFlow, FetchFlow } from '../job/fetch-flow.js';
import type { Filling } from '../job/filling.js';
import type { JobCore } from '../job/job-core.js';
import type { Lease } from '../ports.js';

interface Surroundings {
  /** Collects the cached values that the fetch reads; undefined when they do not matter. */
  readonly dependencies: Dependencies | undefined;
  readonly wishesOf: WishesOf;
}

/**
 * Runs the user's fetch with its deadline and its context, and renews all leases that it fills while it runs. Rejects
 * with the fetch's own error.
 */
export async function fetchUnderLease<Result>(
  job: JobCore,
  fillings: readonly Filling[],
  about: Surroundings,
  fetch: () => Promise<Result>,
): Promise<Result> {
  const { clock } = job.environment;
  const [first] = fillings;
  const { key, background, failures, previous } = first ?? NOTHING;
  const deadline = new FetchDeadline(clock, job.policy.fetchTimeout, () => {
    return new FetchTimeoutError(job.name, key, job.policy.fetchTimeout);
  });
  const stopsRenewing = fillings.map(({ lease }) => renewWhileFetching(job, lease));
  const startedAt = clock.now();
  job.counters.fetches++;
  job.counters.inFlight++;
  try {
    const createOwn = (): RefreshContext => {
      const facts = { key, background, attempt: failures + 1 };
      const isOne = fillings.length === 1;
      return createContext(facts, deadline, () => (isOne ? valueOf(job, previous()) : undefined), about.wishesOf);
    };
    const flow = flowOf(job, fillings, createOwn, about.dependencies);
    return await deadline.within(() => track(job, flow, fetch));
  } finally {
    deadline.cancel();
    for (const stopRenewing of stopsRenewing) stopRenewing();
    const took = clock.now() - startedAt;
    job.counters.inFlight--;
    job.counters.fetchTime.record(took);
    job.tell(() => ({ type: 'fetched', job: job.name, key, background, duration: took / 1_000 }));
  }
}

/** The fetch as a part of the fetch that reads it, if there is one. */
function flowOf(
  job: JobCore,
  fillings: readonly Filling[],
  createOwn: () => RefreshContext,
  dependencies: Dependencies | undefined,
): FetchFlow {
  const outer = currentFlow();
  const isBackground = fillings[0]?.background === true || outer?.buildsOnNew === true;
  const keys = fillings.map(({ key }) => key);
  return new FetchFlow(createOwn, keys, dependencies, job.policy.nested && isBackground, outer);
}

/** Runs the fetch, and registers it where those that wait for its keys find it. */
function track<Result>(job: JobCore, flow: FetchFlow, fetch: () => Promise<Result>): Promise<Result> {
  for (const key of flow.keys) job.fetching.set(key, flow);
  return flow.run(fetch, () => {
    for (const key of flow.keys) if (job.fetching.get(key) === flow) job.fetching.delete(key);
  });
}

/** A copy, because readers share the stored value and the fetch may change this one. */
function valueOf(job: JobCore, entry: Entry | undefined): unknown {
  return entry?.kind === 'value' ? job.forReader(entry) : undefined;
}

const NOTHING: Pick<Filling, 'key' | 'background' | 'failures' | 'previous'> = {
  key: '',
  background: false,
  failures: 0,
  previous: () => undefined,
};

/**
 * Renews the lease for as long as this process runs. Renewing every third of the lease leaves room for two lost
 * attempts.
 */
function renewWhileFetching(job: JobCore, lease: Lease | undefined): () => void {
  if (lease === undefined) return () => undefined;
  const { clock } = job.environment;
  let stopped = false;
  let cancel: () => void = () => undefined;
  const renew = async (): Promise<void> => {
    const held = await job.attempt('renew', lease.key, () => job.store.renew(lease, job.policy.lease));
    // A store that did not answer may still hold the lease. One that answered no has given it to another holder.
    if (!stopped && held !== false) renewLater();
  };
  const renewLater = (): void => {
    cancel = clock.schedule(job.policy.lease / 3, () => {
      void renew();
    });
  };
  renewLater();
  return () => {
    stopped = true;
    cancel();
  };
}
