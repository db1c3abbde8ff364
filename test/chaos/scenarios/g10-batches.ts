import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import { type JobName, JOBS } from '../cluster/jobs.js';
import { until } from '../cluster/patience.js';
import { CROWD } from './g1-one-fetch.js';
import { read } from './readings.js';
import { makeStale, type Measured, newKeys, type Scenario } from './scenario.js';

const KEYS = 100;
const SIZE = JOBS.batched.batchSize;

export const batches: readonly Scenario[] = [
  {
    guarantee: 'G10',
    title: `fetches for ${KEYS} stale keys, batchSize ${SIZE}`,
    limit: `${Math.ceil(KEYS / SIZE)}`,
    cluster: CROWD,
    size: { short: 3, long: 100 },
    measure: (cluster, size) => measureBatches(cluster, 'batched', size),
    control: {
      without: 'batches',
      size: 1,
      measure: (cluster, size) => measureBatches(cluster, 'single', size),
    },
  },
];

async function measureBatches(cluster: Cluster, job: JobName, size: number): Promise<Measured> {
  const { origin, all } = cluster;
  const counts: number[] = [];
  for (let time = 0; time < size; time++) {
    const keys = newKeys(KEYS);
    await makeStale(cluster, job, keys);
    await sleep(20);
    const before = origin.of(job).length;
    const process = all[time % all.length]!;
    await process.call('getMany', job, keys);
    await until('all fresh', async () => {
      const readings = await Promise.all(keys.map((key) => read(process, job, key)));
      return readings.every(({ value }) => value.version === origin.versionOf(value.key));
    });
    counts.push(origin.of(job).length - before);
  }
  const most = Math.max(...counts);
  return { n: size, number: `${most}`, holds: counts.every((count) => count === Math.ceil(KEYS / SIZE)) };
}
