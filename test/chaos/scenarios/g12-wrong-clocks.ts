import type { ClusterOptions } from '../cluster/cluster.js';
import { measureFetches } from './g1-one-fetch.js';
import { noOldValue } from './g4-no-old-value.js';
import { killedWorker } from './g7-killed-worker.js';
import { FEW, type Scenario } from './scenario.js';

const WRONG: ClusterOptions = { ...FEW, clockOffsets: [0, 15, -15] };
const control = { without: "the server's clock", cluster: { ...WRONG, sabotage: 'host-clock' }, size: 8 };

/**
 * The measurements that others make with right clocks, here with processes whose clocks differ by up to half an hour.
 */
export const wrongClocks: readonly Scenario[] = [
  // Not with a lag by `queue.delay`, which BullMQ measures by the wrong clocks of its hosts.
  ...[0, 1].map((lag): Scenario => ({
    guarantee: 'G1',
    title: `fetches per key and window, 4 processes × 64 readers, queue lag ${lag} s`,
    limit: '1.000',
    cluster: WRONG,
    size: { short: 30, long: 300 },
    measure: (cluster, size) => measureFetches(cluster, 'plain', size, lag * 1_000),
    control,
  })),
  ...noOldValue
    .filter(({ cluster, title }) => cluster.near !== true && title.includes(' invalidate '))
    // Without a control: since the steps of the server's clock were seen to, the fence compares no times of hosts.
    .map(({ control: _, ...scenario }) => ({ ...scenario, cluster: WRONG })),
  ...killedWorker.slice(0, 1).map(({ control: _, ...scenario }) => ({
    ...scenario,
    cluster: { ...scenario.cluster, clockOffsets: [0, 15, -15] },
    onlyLong: true,
  })),
].map((scenario: Scenario) => ({
  ...scenario,
  guarantee: 'G12',
  title: `clocks 15 min fast and slow: ${scenario.title}`,
}));
