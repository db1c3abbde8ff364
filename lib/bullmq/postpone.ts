import { DelayedError, type Job } from 'bullmq';

/** Hands a request back to BullMQ for `ms`. Does not use up an attempt. Throws what BullMQ wants to see then. */
export async function postpone(job: Job<unknown>, token: string | undefined, ms: number): Promise<never> {
  await job.moveToDelayed(Date.now() + ms, token);
  throw new DelayedError();
}
