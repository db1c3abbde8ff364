import type { Filling } from '../job/filling.js';
import { claim } from './claim.js';
import { conclude } from './conclude.js';
import { fetchInCaller } from './fetch-in-caller.js';
import { tracedFillMany } from '../fill/traced-fill.js';
import type { Filled } from '../job/filled.js';
import type { JobCore } from '../job/job-core.js';
import type { Pace } from '../job/pace.js';
import type { Target } from '../policy/policy.js';
import type { Acquisition } from '../ports.js';
import type { Read } from './serve.js';

type Granted = Extract<Acquisition, { kind: 'granted' }>;

/** The running fills of a batch, by key; undefined for keys that the batch leaves to other holders. */
export type Batch = ReadonlyMap<string, Promise<Filled | undefined>>;

/**
 * Fetches missing keys with `fetchMany`, `batchSize` at a time. A key whose lease another reader or process holds is
 * left to that holder. Empty when the job has no `fetchMany`.
 */
export function fetchBatch(job: JobCore, target: Target, pace: Pace, missing: readonly Read<unknown>[]): Batch {
  const { fetchMany } = job.definition;
  const reads = [...new Map(missing.map((reading) => [reading.key, reading])).values()];
  if (fetchMany === undefined || reads.length === 0) return new Map();
  const batch = new Map<string, Promise<Filled | undefined>>();
  for (let start = 0; start < reads.length; start += job.batchSize) {
    const chunk = reads.slice(start, start + job.batchSize);
    const claimed = claimAll(job, chunk, pace, (own) => tracedFillMany(job, target, own, fetchMany));
    for (const { key } of chunk)
      batch.set(
        key,
        claimed.then((flights) => flights.get(key)),
      );
  }
  return batch;
}

/** The rest of a read whose key is in a batch. */
export async function endInBatch<Result>(reading: Read<Result>, flight: Promise<Filled | undefined>): Promise<Result> {
  const filled = await flight;
  return filled === undefined ? fetchInCaller(reading, undefined) : conclude(reading, filled, undefined);
}

/** Asks for all leases, starts one fetch for those that were granted, and lets single readers join it. */
async function claimAll(
  job: JobCore,
  reads: readonly Read<unknown>[],
  pace: Pace,
  fillOwn: (own: readonly Filling[]) => Promise<Filled[]>,
): Promise<ReadonlyMap<string, Promise<Filled>>> {
  const own: Filling[] = [];
  const flights = new Map<string, Promise<Filled>>();
  let begin: () => void = () => undefined;
  const allClaimed = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const filled = allClaimed.then(() => (own.length === 0 ? [] : fillOwn(own)));
  const claims = reads.map(async (reading): Promise<void> => {
    const turn = pace.pass();
    if (turn !== undefined) await turn;
    const answer = claim(reading, '', false);
    const claimed = answer instanceof Promise ? await answer : answer;
    // A single reader may share this claim and continues in this same turn. The first of the two is the one that
    // fetches.
    if (claimed?.kind !== 'granted' || job.flights.get(claimed.lease.token) !== undefined) return;
    const { key } = reading;
    const index = own.push(fillingOf(reading, claimed)) - 1;
    const flight = job.flights.run(claimed.lease.token, async () => reported(job, key, (await filled)[index]));
    flights.set(key, flight);
  });
  await Promise.all(claims);
  begin();
  return flights;
}

function fillingOf({ target, args, context, key }: Read<unknown>, { lease, failures, previous }: Granted): Filling {
  return { target, args, context, key, background: false, lease, failures, previous, recordFailure: false };
}

function reported(job: JobCore, key: string, filled: Filled | undefined): Filled {
  if (filled === undefined) throw new RangeError(`no outcome for ${key}`);
  if (filled.kind === 'refused') job.reportRefused(key, filled.error);
  return filled;
}
