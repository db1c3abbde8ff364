import { decide } from '../decide.js';
import type { Entry } from '../entry.js';
import type { JobCore } from '../job/job-core.js';
import type { Arguments, Target } from '../policy/policy.js';

/**
 * Requests a refresh for each list of arguments, or for those that are not fresh. Rejects when the lists cannot be
 * obtained.
 */
export async function keepWarm(
  job: JobCore,
  listsOf: (target: Target) => Promise<readonly Arguments[]> | readonly Arguments[],
  which: 'all' | 'not fresh',
): Promise<void> {
  const target = await job.definition.resolve();
  const prepared = (await listsOf(target)).map((args) => job.prepare(target, args));
  const context = job.context.capture();
  const keys = prepared.map((args) => job.keys.of(target, args, context));
  const [first] = keys;
  if (first === undefined) return;
  const entries = await job.attempt('readMany', first, () => job.store.readMany(keys));
  keys.forEach((key, index) => {
    const entry = entries?.[index];
    const args = prepared[index] ?? [];
    if (which === 'not fresh' && isFresh(job, target, args, entry)) return;
    job.requests.want(job, { key, args, context }, entry);
  });
}

function isFresh(job: JobCore, target: Target, args: Arguments, entry: Entry | undefined): boolean {
  return decide(entry, job.policy.staleness(target, args), job.store.now()).startsWith('fresh');
}
