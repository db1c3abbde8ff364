import type { Cluster } from '../cluster/cluster.js';
import type { Fetch } from '../cluster/origin.js';
import { CROWD } from './g1-one-fetch.js';
import { stormAll } from './readings.js';
import { makeStale, type Measured, newKeys, type Scenario } from './scenario.js';

const READERS = 16;
/** Milliseconds, long enough for every process to meet a running fetch. */
const FETCH = 30;

export const oneInFlight: readonly Scenario[] = [
  {
    guarantee: 'G2',
    title: 'fetches in flight per key, cold, stale and too stale, 8 processes × 16 readers',
    limit: '1',
    cluster: CROWD,
    size: { short: 40, long: 1_000 },
    measure: measureInFlight,
    control: {
      without: 'the lease',
      cluster: { webs: 2, workers: 1, jobs: ['plain', 'strict'], sabotage: 'no-lease' },
      size: 5,
    },
  },
];

async function measureInFlight(cluster: Cluster, size: number): Promise<Measured> {
  const { origin, all } = cluster;
  let most = 0;
  let unanswered = 0;
  let n = 0;
  const own = new Set<string>();
  origin.delay = ({ keys: [key = ''] }) => (own.has(key) ? FETCH : 0);
  for (let done = 0; done < size; done += 20) {
    for (const kind of ['cold', 'stale', 'too stale'] as const) {
      const job = kind === 'too stale' ? 'strict' : 'plain';
      const keys = newKeys(Math.min(20, size - done));
      for (const key of keys) own.add(key);
      if (kind !== 'cold') await makeStale(cluster, job, keys);
      for (let round = 0; round < 3; round++) {
        for (const { failed } of await stormAll(all, job, keys, READERS)) unanswered += failed;
      }
      n += keys.length;
      most = Math.max(most, ...keys.map((key) => mostInFlight(origin.of(job, key))));
    }
  }
  origin.delay = () => 0;
  return { n, number: `${most}`, holds: most === 1 && unanswered === 0 };
}

function mostInFlight(fetches: readonly Fetch[]): number {
  const steps = fetches.flatMap(({ startedAt, endedAt = Infinity }) => [
    { at: startedAt, by: 1 },
    { at: endedAt, by: -1 },
  ]);
  let inFlight = 0;
  let most = 0;
  for (const { by } of steps.sort((a, b) => a.at - b.at || a.by - b.by)) {
    inFlight += by;
    most = Math.max(most, inFlight);
  }
  return most;
}
