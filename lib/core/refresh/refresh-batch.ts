import type { Filling } from '../job/filling.js';
import { tracedFillMany } from '../fill/traced-fill.js';
import type { Filled } from '../job/filled.js';
import type { JobCore } from '../job/job-core.js';
import type { Target } from '../policy/policy.js';
import type { Acquisition, RequestedKey } from '../ports.js';

/** Milliseconds after which a request is tried again when its store could not be reached. */
export const STORE_RETRY = 1_000;

type Granted = Extract<Acquisition, { kind: 'granted' }>;

/** The outcome of each key of a batch. Keys whose lease was not granted are missing. */
export interface RefreshedBatch {
  readonly filled: readonly RefreshedKey[];
  /** Milliseconds until a key may be free whose lease was not granted; undefined when all were granted. */
  readonly busyFor: number | undefined;
}

export interface RefreshedKey {
  readonly requested: RequestedKey;
  readonly filled: Filled;
  /** 1, and one more for each consecutive failure before it. */
  readonly attempt: number;
}

/**
 * Refreshes many keys with one `fetchMany`, each under its own lease. Keys that have been refreshed meanwhile are left
 * out.
 */
export async function refreshBatch(
  job: JobCore,
  target: Target,
  keys: readonly RequestedKey[],
  fetchMany: NonNullable<JobCore['definition']['fetchMany']>,
): Promise<RefreshedBatch> {
  const acquired = await Promise.all(
    keys.map(async ({ key, generation }) => job.acquire(key, { generation, respectBackoff: true, takeOver: false })),
  );
  const own: { requested: RequestedKey; granted: Granted }[] = [];
  let busyFor: number | undefined;
  keys.forEach((requested, index) => {
    const granted = acquired[index];
    if (granted?.kind === 'granted') own.push({ requested, granted });
    const remaining = granted === undefined ? STORE_RETRY : granted.kind === 'busy' ? granted.remaining : undefined;
    if (remaining !== undefined) busyFor = Math.min(busyFor ?? Infinity, remaining);
  });
  if (own.length === 0) return { filled: [], busyFor };
  const fillings = own.map(({ requested, granted }) => toFilling(target, requested, granted));
  const filling = tracedFillMany(job, target, fillings, fetchMany);
  const filled = await Promise.all(
    own.map(async ({ requested, granted }, index) => {
      // A reader of this process that finds the lease taken joins the batch.
      const flight = job.flights.run(granted.lease.token, async () => pick(await filling, index));
      return { requested, filled: await flight, attempt: granted.failures + 1 };
    }),
  );
  return { filled, busyFor };
}

function toFilling(
  target: Target,
  { key, args, context }: RequestedKey,
  { lease, failures, previous }: Granted,
): Filling {
  return { target, args, context, key, background: true, lease, failures, previous, recordFailure: true };
}

function pick(filled: readonly Filled[], index: number): Filled {
  const own = filled[index];
  if (own === undefined) throw new RangeError('fillMany has one outcome for each filling');
  return own;
}
