import type { Job } from 'bullmq';

const FIRST_RETRY = 1_000;
/** A process that knows the job may have come meanwhile, and most of those that ask may still be others. */
const LONGEST_RETRY = 10_000;
const LONGEST_DEPLOY = 24 * 60 * 60 * 1_000;

/**
 * In how many milliseconds a request that this release cannot run is looked at again: later and later. Undefined: it has
 * waited for so long that whoever could run it is not coming.
 */
export function deployRetry({ timestamp, attemptsStarted }: Pick<Job, 'timestamp' | 'attemptsStarted'>): number | undefined {
  if (Date.now() - timestamp > LONGEST_DEPLOY) return undefined;
  const retryIn = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** Math.min(10, attemptsStarted - 1));
  // Requests that were put off together do not all come back at once, to the same worker.
  return retryIn * (0.5 + Math.random() / 2);
}
