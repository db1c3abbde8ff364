import type { Cluster } from '../cluster/cluster.js';
import { percentile } from '../cluster/patience.js';
import { read } from './readings.js';
import { type Control, makeStale, type Measured, newKeys, type Scenario } from './scenario.js';

const PAIRS = 3;

const IN_THE_CALLER: Control = {
  without: 'stale reads: too stale is fetched in the caller',
  size: 20,
  measure: (cluster, size) => measureRatio(cluster, 'slow', 'alwaysStrict', size),
};

/** A busy machine cannot measure a tenth more or less, so only waiting for the fetch counts as a failure. */
export const staleIsFast: readonly Scenario[] = [false, true].flatMap((near) =>
  (['slow', 'never-settling'] as const).map((kind) => ({
    guarantee: 'G3',
    title: `p99 of stale ÷ p99 of fresh reads, ${kind} fetch, near tier ${near ? 'on' : 'off'}`,
    limit: '≤ 1.10',
    cluster: { webs: 1, workers: 1, jobs: ['plain', 'always', 'alwaysStrict'] as const, near },
    size: { short: 500, long: 5_000 },
    onlyLong: true,
    measure: (cluster: Cluster, size: number) => measureRatio(cluster, kind, 'always', size),
    ...(near || kind !== 'slow' ? {} : { control: IN_THE_CALLER }),
  })),
);

async function measureRatio(
  cluster: Cluster,
  kind: 'slow' | 'never-settling',
  job: 'always' | 'alwaysStrict',
  rounds: number,
): Promise<Measured> {
  const { origin, webs } = cluster;
  const web = webs[0]!;
  const ratios: number[] = [];
  const p99s: string[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const [key] = newKeys(1) as [string];
    await web.call('set', 'plain', key, origin.valueOf(key));
    await makeStale(cluster, job, [key]);
    const hold = kind === 'never-settling' ? origin.hold(({ job: fetching }) => fetching === job) : undefined;
    if (kind === 'slow') origin.delay = () => 100;
    await read(web, job, key);
    const waits = await web.call<[number[], number[]]>('race', 'plain', job, key, rounds);
    const [fresh, stale] = waits.map((each) => percentile(each, 99)) as [number, number];
    ratios.push(stale / fresh);
    p99s.push(`${microseconds(stale)}/${microseconds(fresh)}`);
    hold?.release();
    origin.delay = () => 0;
  }
  const ratio = percentile(ratios, 50);
  return {
    n: PAIRS * rounds,
    number: `${ratio.toFixed(2)} (${p99s.join(', ')} µs)`,
    holds: ratio < 20,
    exact: ratio <= 1.1,
  };
}

const microseconds = (ms: number): string => (ms * 1_000).toFixed(0);
