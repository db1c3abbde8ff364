import type { WorkerOptions } from 'bullmq';

/**
 * BullMQ's settings that decide how soon a dead worker is noticed. It must be noticed before its lease on the key
 * expires: the next worker then finds the key busy, waits for the rest of the lease and fetches when it ends. Noticed
 * later, the key would stay stale for longer than the lease.
 */
export function workerTimings(
  lease: number,
  own: Pick<WorkerOptions, 'lockDuration' | 'lockRenewTime' | 'stalledInterval'>,
): Required<Pick<WorkerOptions, 'lockDuration' | 'lockRenewTime' | 'stalledInterval'>> {
  const lockDuration = own.lockDuration ?? Math.max(1_000, 0.75 * lease);
  return {
    lockDuration,
    lockRenewTime: own.lockRenewTime ?? lockDuration / 2,
    stalledInterval: own.stalledInterval ?? Math.max(250, Math.min(1_000, lease / 8)),
  };
}
