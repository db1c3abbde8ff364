import type { Filling } from './fetch.js';
import { fillMany } from './fill.js';
import type { Filled } from './filled.js';
import type { JobCore } from './job-core.js';
import type { Target } from './policy.js';
import type { Acquisition, RequestedKey } from './ports.js';

type Granted = Extract<Acquisition, { kind: 'granted' }>;

/** What became of each key of a batch; those that somebody else holds are not in it. */
export interface RefreshedBatch {
  readonly filled: readonly (readonly [RequestedKey, Filled])[];
  /** Milliseconds until the first lease of somebody else is over; undefined where there was none. */
  readonly busyFor: number | undefined;
}

/** Refreshes many keys with one `fetchMany`, each under its own lease; what has been refreshed meanwhile is left out. */
export async function refreshBatch(
  job: JobCore,
  target: Target,
  keys: readonly RequestedKey[],
  fetchMany: NonNullable<JobCore['definition']['fetchMany']>,
): Promise<RefreshedBatch> {
  const acquired = await Promise.all(
    keys.map(({ key, generation }) =>
      job.attempt('acquire', key, () =>
        job.store.acquire(key, {
          lease: job.policy.lease,
          generation,
          respectBackoff: true,
          takeOver: false,
        }),
      ),
    ),
  );
  const own: { requested: RequestedKey; granted: Granted }[] = [];
  let busyFor: number | undefined;
  keys.forEach((requested, index) => {
    const granted = acquired[index];
    if (granted?.kind === 'granted') own.push({ requested, granted });
    if (granted?.kind === 'busy') busyFor = Math.min(busyFor ?? Infinity, granted.remaining);
  });
  if (own.length === 0) return { filled: [], busyFor };
  const fillings = own.map(({ requested, granted }) => toFilling(target, requested, granted));
  const filling = fillMany(job, target, fillings, fetchMany);
  const filled = await Promise.all(
    own.map(async ({ requested, granted }, index) => {
      // A reader of this process who meets the lease joins the batch.
      const flight = job.flights.run(granted.lease.token, async () => pick(await filling, index));
      return [requested, await flight] as const;
    }),
  );
  return { filled, busyFor };
}

function toFilling(
  target: Target,
  { key, args }: RequestedKey,
  { lease, failures, previous }: Granted,
): Filling {
  return { target, args, key, background: true, lease, failures, previous, recordFailure: true };
}

function pick(filled: readonly Filled[], index: number): Filled {
  const own = filled[index];
  if (own === undefined) throw new RangeError('fillMany has one outcome for each filling');
  return own;
}
