import type { WorkerOptions } from 'bullmq';

/**
 * How soon a dead worker is noticed. That must be before its lease of the key has run out: the next worker then finds
 * the key busy for what remains, and fetches at the end of the lease instead of some time later.
 */
export function recoverySettings(
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
