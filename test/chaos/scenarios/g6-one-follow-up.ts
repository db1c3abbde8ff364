import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import { inLanes, until } from '../cluster/patience.js';
import { CROWD } from './g1-one-fetch.js';
import { read } from './readings.js';
import { FEW_WRONG, makeStale, type Measured, newKeys, type Scenario } from './scenario.js';

const JOB = 'plain';
const INVALIDATIONS = 12;

export const oneFollowUp: readonly Scenario[] = [
  {
    guarantee: 'G6',
    title: `extra refreshes after ${INVALIDATIONS} invalidations during one, by all processes`,
    limit: '1',
    cluster: CROWD,
    size: { short: 40, long: 1_000 },
    measure: measureFollowUps,
    control: { without: 'the fence', cluster: { ...FEW_WRONG, sabotage: 'no-fence' }, size: 5 },
  },
];

async function measureFollowUps(cluster: Cluster, size: number): Promise<Measured> {
  const keys = newKeys(size);
  await inLanes(keys, 20, (key) => invalidateDuringRefresh(cluster, key));
  await sleep(400);
  const { origin, all } = cluster;
  const extra = keys.map((key) => origin.of(JOB, key).length - 1);
  const readings = await Promise.all(keys.map((key, index) => read(all[index % all.length]!, JOB, key)));
  const current = readings.filter(
    ({ value, status }) => status === 'hit' && value.version === origin.versionOf(value.key),
  );
  const number = `${Math.min(...extra)} to ${Math.max(...extra)}, ${size - current.length} left old`;
  return { n: size, number, holds: extra.every((count) => count === 1) && current.length === size };
}

async function invalidateDuringRefresh(cluster: Cluster, key: string): Promise<void> {
  const { origin, all } = cluster;
  const hold = origin.hold(({ keys }) => keys.includes(key));
  await makeStale(cluster, JOB, [key]);
  await until(`${key} is stale`, async () => (await read(all[0]!, JOB, key)).status === 'stale');
  await until(`a refresh of ${key}`, () => hold.waiting.length > 0);
  for (let time = 0; time < INVALIDATIONS; time++) {
    origin.write(key);
    await all[time % all.length]!.call('invalidate', JOB, key);
    if (time % 3 === 0) await read(all[(time + 1) % all.length]!, JOB, key);
  }
  hold.release();
  // Without the fence there is no second follow-up, so this is all there is to wait for.
  await until(`the follow-up of ${key}`, () => origin.of(JOB, key).length > 1, 1_000).catch(() => undefined);
}
