import type { JobCore } from '../job/job-core.js';
import { invalidateWanted, refreshWanted, removeKey } from './write.js';

// Changes of a key as it is stored, for callers that have found it in the store and have no arguments.

/** What a fetch of the key needs; undefined where the key does not hold its arguments. */
function wantedOf(job: JobCore, key: string): Parameters<typeof refreshWanted>[2] | undefined {
  const origin = job.keys.originOf(key);
  if (origin === undefined || (origin.context !== undefined && !job.context.isKnown)) return undefined;
  return { key, ...origin };
}

/** Whether {@link refreshKey} can fetch it. */
export function isRefreshable(job: JobCore, key: string): boolean {
  return wantedOf(job, key) !== undefined;
}

/**
 * Fetches now, in this process, and stores. False where the key does not hold its arguments: then nothing is done.
 * Rejects with the error of the fetch.
 */
export async function refreshKey(job: JobCore, key: string): Promise<boolean> {
  const wanted = wantedOf(job, key);
  if (wanted === undefined) return false;
  await refreshWanted(job, await job.definition.resolve(), wanted, true);
  return true;
}

/** Makes the value stale, and requests a refresh where the key holds its arguments. */
export async function invalidateKey(job: JobCore, key: string): Promise<void> {
  await invalidateWanted(job, key, wantedOf(job, key));
}

/** Removes the value. True when there was one. */
export async function deleteKey(job: JobCore, key: string): Promise<boolean> {
  return removeKey(job, key);
}
