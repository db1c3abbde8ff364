import type { Cluster } from '../cluster/cluster.js';
import { until } from '../cluster/patience.js';
import { CROWD } from './g1-one-fetch.js';
import type { Load } from './readings.js';
import { read } from './readings.js';
import { makeStale, type Measured, newKeys, type Scenario } from './scenario.js';

const JOB = 'failing';
/** The first backoff of the job, in milliseconds. */
const FIRST_BACKOFF = 250;
const KEYS = 10;

export const originDown: readonly Scenario[] = [
  {
    guarantee: 'G8',
    title:
      'most fetches of one key while the origin is down, 8 processes reading, backoff 250 ms and twice that each time',
    limit: '1 + steps of the backoff',
    cluster: CROWD,
    size: { short: 4, long: 60 },
    measure: measureAttempts,
    control: {
      without: 'the backoff',
      cluster: { webs: 2, workers: 1, jobs: ['failing'], sabotage: 'no-backoff' },
      size: 2,
    },
  },
];

async function measureAttempts(cluster: Cluster, seconds: number): Promise<Measured> {
  const { attempts, reads, failed, recovered } = await attemptsOf(cluster, seconds);
  const most = mostAttempts(seconds);
  const number = `${attempts} of at most ${most} in ${seconds} s, ${reads} reads, ${failed} failed${recovered ? '' : ', not recovered'}`;
  return { n: KEYS, number, holds: attempts <= most && failed === 0 && recovered };
}

/** At 0, 1, 3, 7 … times the first backoff. */
export function mostAttempts(seconds: number): number {
  return 1 + Math.floor(Math.log2((seconds * 1_000) / FIRST_BACKOFF + 1));
}

export interface Attempts {
  /** The most of one key. */
  readonly attempts: number;
  readonly reads: number;
  readonly failed: number;
  /** Whether every key was fresh again soon after the origin was. */
  readonly recovered: boolean;
}

/** `meanwhile` runs beside the readers. */
export async function attemptsOf(
  cluster: Cluster,
  seconds: number,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<Attempts> {
  const { origin, all } = cluster;
  const keys = newKeys(KEYS);
  await makeStale(cluster, JOB, keys);
  origin.failing = ({ job }) => job === JOB;
  const ms = seconds * 1_000;
  const [loads] = await Promise.all([
    Promise.all(all.map((process) => process.call<Load>('load', JOB, keys, { readers: 8, ms, pause: 10 }))),
    meanwhile(),
  ]);
  origin.failing = () => false;
  const attempts = Math.max(...keys.map((key) => origin.of(JOB, key).length));
  const failed = loads.reduce((sum, load) => sum + load.failed, 0);
  const reads = loads.reduce((sum, load) => sum + load.answered, failed);
  let recovered = true;
  await until(
    'every key fresh again',
    async () => {
      const readings = await Promise.all(keys.map((key) => read(all[0]!, JOB, key)));
      return readings.every(({ value }) => value.version === origin.versionOf(value.key));
    },
    ms + 5_000,
  ).catch(() => (recovered = false));
  return { attempts, reads, failed, recovered };
}
