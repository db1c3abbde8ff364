import { type FetchWishes, runInContext } from './context.js';
import type { Entry } from './entry.js';
import { FetchTimeoutError } from './errors.js';
import type { JobCore } from './job-core.js';
import type { Arguments, Target } from './policy.js';
import { copyPortable } from './portable.js';
import type { Lease } from './ports.js';

/** Who fills what. */
export interface Filling {
  readonly target: Target;
  readonly args: Arguments;
  readonly key: string;
  readonly background: boolean;
  /** Undefined while the store cannot be reached: then nothing is stored. */
  readonly lease: Lease | undefined;
  /** Failures in a row before this fetch. */
  readonly failures: number;
  readonly previous: () => Entry | undefined;
  /** A failure is kept in the entry. Not so in the caller on a miss: the next reader may try at once. */
  readonly recordFailure: boolean;
}

/**
 * Runs the user's fetch under its deadline, in its context, and keeps the leases of all it fills while it runs. Rejects
 * with the fetch's own error.
 */
export async function fetchUnderLease<Result>(
  job: JobCore,
  fillings: readonly Filling[],
  wishes: FetchWishes,
  fetch: () => Promise<Result>,
): Promise<Result> {
  const { clock } = job.environment;
  const [first] = fillings;
  const { key, background, failures, previous } = first ?? NOTHING;
  const controller = new AbortController();
  const { signal } = controller;
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
  const cancelDeadline = clock.schedule(job.policy.fetchTimeout, () => {
    controller.abort(new FetchTimeoutError(job.name, key, job.policy.fetchTimeout));
  });
  const stopsRenewing = fillings.map(({ lease }) => renewWhileFetching(job, lease));
  const startedAt = clock.now();
  job.counters.fetches++;
  try {
    const about = { signal, key, background, attempt: failures + 1 };
    const fetched = runInContext(about, () => valueOf(previous()), wishes, async () => fetch());
    return await Promise.race([fetched, late]);
  } finally {
    cancelDeadline();
    for (const stopRenewing of stopsRenewing) stopRenewing();
    const duration = (clock.now() - startedAt) / 1_000;
    job.tell(() => ({ type: 'fetched', job: job.name, key, background, duration }));
  }
}

/** The fetch may do with it what it likes: readers share the stored one. */
function valueOf(entry: Entry | undefined): unknown {
  if (entry?.kind !== 'value') return undefined;
  return entry.copyOnRead ? copyPortable(entry.value) : entry.value;
}

const NOTHING: Pick<Filling, 'key' | 'background' | 'failures' | 'previous'> = {
  key: '',
  background: false,
  failures: 0,
  previous: () => undefined,
};

/** Keeps the lease alive for as long as this process is: a third of the lease leaves room for two lost attempts. */
function renewWhileFetching(job: JobCore, lease: Lease | undefined): () => void {
  if (lease === undefined) return () => undefined;
  const { clock } = job.environment;
  let stopped = false;
  let cancel: () => void = () => undefined;
  const renewLater = (): void => {
    cancel = clock.schedule(job.policy.lease / 3, () => {
      void job
        .attempt('renew', lease.key, () => job.store.renew(lease, job.policy.lease))
        .then((held) => {
          // A store that did not answer may still hold the lease; one that said no has given it away.
          if (!stopped && held !== false) renewLater();
        });
    });
  };
  renewLater();
  return () => {
    stopped = true;
    cancel();
  };
}
