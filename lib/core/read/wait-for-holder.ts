import { FetchTimeoutError } from '../errors.js';
import type { Acquisition } from '../ports.js';
import { claim } from './claim.js';
import { ForeignFetch } from './foreign-fetch.js';
import type { Read } from './serve.js';

type Busy = Extract<Acquisition, { kind: 'busy' }>;

/**
 * Waits while another process holds the lease, and claims until the answer is something else: that of the last claim.
 * Each holder gets the time of one fetch. A holder that follows a failed one starts with a full deadline.
 */
export async function waitForHolder(
  reading: Read<unknown>,
  busy: Busy,
  generation: string,
  respectBackoff: boolean,
): Promise<Acquisition | FetchTimeoutError | undefined> {
  const { job, key } = reading;
  const { clock } = job.environment;
  const { fetchTimeout } = job.policy;
  const foreign = new ForeignFetch(job, key);
  let holder = busy.token;
  let deadline = clock.now() + fetchTimeout;
  try {
    for (let { remaining } = busy; ;) {
      if (clock.now() >= deadline) return new FetchTimeoutError(job.name, key, fetchTimeout);
      await foreign.wait(remaining + 1);
      const claimed = await claim(reading, generation, respectBackoff);
      if (claimed?.kind !== 'busy' || job.flights.get(claimed.token) !== undefined) return claimed;
      if (claimed.token !== holder) {
        holder = claimed.token;
        deadline = clock.now() + fetchTimeout;
      }
      ({ remaining } = claimed);
    }
  } finally {
    foreign.end();
  }
}
