import { decide } from '../decide.js';
import type { JobCore } from '../job/job-core.js';
import type { Target } from '../policy/policy.js';
import type { RequestedKey } from '../ports.js';

/**
 * Requests the one refresh that is due after a fetch during which its key was invalidated, unless the key was set or
 * deleted since. The request waits behind those that are waiting already. Never rejects.
 */
export async function followUp(
  job: JobCore,
  { target, key, args, context }: Omit<RequestedKey, 'generation'> & { readonly target: Target },
): Promise<void> {
  const entry = await job.attempt('read', key, () => job.store.read(key));
  const decision = decide(entry, job.policy.staleness(target, args), job.store.now());
  if (decision === 'stale' || decision === 'too-stale') job.requests.want(job, { key, args, context }, entry);
}
