import type { Cluster, ClusterOptions } from '../cluster/cluster.js';
import { complaints, type Measured, newKeys, PATIENT, type Scenario } from './scenario.js';

const READERS = 64;
const KEYS = 50;
const TENANTS = ['a', 'b'];

interface TenantReads {
  readonly read: number;
  readonly foreign: number;
  readonly failed: number;
  readonly hit: number;
  readonly stale: number;
  readonly miss: number;
}

const CROWD: ClusterOptions = { webs: 6, workers: 2, jobs: ['perTenant'], near: true, storeTimeout: PATIENT };

/** Two tenants at random on the same arguments: cold, fresh, stale, invalidated, refreshed by another process, coalesced. */
export const contexts: readonly Scenario[] = [
  {
    guarantee: 'G14',
    title: `values of one context read by another, 8 processes × ${READERS} readers`,
    limit: '0',
    cluster: CROWD,
    size: { short: 10_000, long: 100_000 },
    measure,
    control: {
      without: 'the context in the key',
      cluster: { webs: 1, workers: 1, sabotage: 'no-context' },
      size: 1_000,
    },
  },
];

async function measure(cluster: Cluster, size: number): Promise<Measured> {
  const { all } = cluster;
  const keys = newKeys(KEYS);
  const reads = Math.ceil(size / all.length);
  const how = { names: TENANTS, reads, readers: READERS };
  const results = await Promise.all(
    all.map((process) => process.call<TenantReads>('readForTenants', 'perTenant', keys, how)),
  );
  const sum = (what: keyof TenantReads): number => results.reduce((total, result) => total + result[what], 0);
  const [n, foreign, failed] = [sum('read'), sum('foreign'), sum('failed')];
  const met = `${sum('hit')} hits, ${sum('stale')} stale, ${sum('miss')} misses`;
  const holds = foreign === 0 && failed === 0;
  const number = `${foreign} of ${n} (${met})`;
  return { n, number: holds ? number : `${number}, ${failed} failed, told: ${await complaints(cluster)}`, holds };
}
