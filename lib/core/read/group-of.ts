import { tracedFill, tracedFillMany } from '../fill/traced-fill.js';
import type { Filled } from '../job/filled.js';
import type { Filling } from '../job/filling.js';
import { currentFlow } from '../job/fetch-flow.js';
import type { JobCore } from '../job/job-core.js';
import { encodeArguments } from '../job/key.js';
import type { TurnGroup } from '../job/turn-groups.js';
import type { Read } from './serve.js';

/** The reads with which a read that misses is fetched; undefined for a job without `fetchMany`. */
export function groupOf({ job, target, context }: Read<unknown>): TurnGroup | undefined {
  if (job.batchSize === 1) return undefined;
  const { clock } = job.environment;
  const text = context === undefined ? '' : encodeArguments(job.name, [context]);
  return job.groups.of(
    { target, context: text, flow: currentFlow() },
    () =>
      new Promise((resolve) => {
        clock.defer(resolve);
      }),
    (own) => fillTogether(job, own),
  );
}

/** A key that was missed alone is fetched by `fetch`, others by `fetchMany`, `batchSize` at a time. */
function fillTogether(job: JobCore, own: readonly Filling[]): readonly Promise<Filled>[] {
  const { fetchMany } = job.definition;
  const [first, ...others] = own;
  if (fetchMany === undefined || first === undefined || others.length === 0) {
    return own.map((filling) => tracedFill(job, filling));
  }
  const outcomes: Promise<Filled>[] = [];
  for (let start = 0; start < own.length; start += job.batchSize) {
    const chunk = own.slice(start, start + job.batchSize);
    const filled = tracedFillMany(job, first.target, chunk, fetchMany);
    outcomes.push(...chunk.map(async ({ key }, index) => outcomeOf(key, await filled, index)));
  }
  return outcomes;
}

function outcomeOf(key: string, filled: readonly Filled[], index: number): Filled {
  const outcome = filled[index];
  if (outcome === undefined) throw new RangeError(`no outcome for ${key}`);
  return outcome;
}
