import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import type { Value } from '../cluster/origin.js';
import { until } from '../cluster/patience.js';
import { read } from './readings.js';
import { FEW, FEW_WRONG, type Measured, newKeys, type Scenario } from './scenario.js';

const JOB = 'quick';
const LEASE = 2_000;
const AT_ONCE = 100;

export const frozenWriter: readonly Scenario[] = [
  {
    guarantee: 'G5',
    title:
      'writes accepted from a process that was frozen past its lease, where others have filled the key and where not',
    limit: '0',
    cluster: FEW,
    size: { short: 100, long: 1_000 },
    measure: measureAccepted,
    control: { without: 'the fence', cluster: { ...FEW_WRONG, sabotage: 'no-fence' }, size: 20 },
  },
];

async function measureAccepted(cluster: Cluster, size: number): Promise<Measured> {
  let accepted = 0;
  for (let done = 0; done < size; done += AT_ONCE) {
    accepted += await acceptedOf(cluster, newKeys(Math.min(AT_ONCE, size - done)));
  }
  return { n: size, number: `${accepted}`, holds: accepted === 0 };
}

async function acceptedOf({ origin, webs }: Cluster, keys: readonly string[]): Promise<number> {
  const [victim, other] = webs as [Cluster['webs'][number], Cluster['webs'][number]];
  const hold = origin.hold(({ process }) => process === victim.name);
  const reading = Promise.all(keys.map((key) => read(victim, JOB, key)));
  await until('fetches under way', () => hold.waiting.length === keys.length);
  victim.freeze();
  for (const key of keys) origin.write(key);
  // The origin's answers wait for the process until it continues.
  hold.release();
  await sleep(LEASE + 200);
  const filled = keys.filter((_, index) => index % 2 === 0);
  await Promise.all(filled.map((key) => read(other, JOB, key)));
  victim.thaw();
  await reading;
  const stored = await Promise.all(keys.map((key) => other.call<{ value: Value } | undefined>('peek', JOB, key)));
  return stored.filter((entry) => entry !== undefined && entry.value.version === 1).length;
}
