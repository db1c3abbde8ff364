import { DelayedError, type Job } from 'bullmq';

const FIRST_RETRY = 1_000;
/** Short, because a process that knows the job may start at any time, and most workers that take the request may not be it. */
const LONGEST_RETRY = 10_000;
const LONGEST_DEPLOY = 24 * 60 * 60 * 1_000;

/**
 * Hands a request back to BullMQ for `ms` without using up an attempt. Always throws: BullMQ recognises a delayed job by
 * the `DelayedError` of its processor.
 */
export async function postpone(job: Job<unknown>, token: string | undefined, ms: number): Promise<never> {
  await job.moveToDelayed(Date.now() + ms, token);
  throw new DelayedError();
}

/**
 * Milliseconds until a request that this release cannot run is tried again; the delay grows with each try. Undefined when
 * the request is older than a deploy may take: no worker that knows its job is expected any more.
 */
export function deployRetryDelay({
  timestamp,
  attemptsStarted,
}: Pick<Job, 'timestamp' | 'attemptsStarted'>): number | undefined {
  if (Date.now() - timestamp > LONGEST_DEPLOY) return undefined;
  const retryIn = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** Math.min(10, attemptsStarted - 1));
  // Jitter, so that requests that were postponed together do not all return to the same worker at once.
  return retryIn * (0.5 + Math.random() / 2);
}
