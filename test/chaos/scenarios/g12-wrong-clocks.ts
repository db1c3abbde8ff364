import type { ClusterOptions } from '../cluster/cluster.js';
import { measureFetches } from './g1-one-fetch.js';
import { noOldValue } from './g4-no-old-value.js';
import { killedWorker } from './g7-killed-worker.js';
import { FEW, type Scenario } from './scenario.js';

const WRONG: ClusterOptions = { ...FEW, clockOffsets: [0, 15, -15] };
const control = { without: "the server's clock", cluster: { ...WRONG, sabotage: 'host-clock' }, size: 8 };
const withoutFence = { without: 'the fence', cluster: { ...WRONG, sabotage: 'no-fence' }, size: 16 };

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
    // The hosts' clocks would change nothing here: an invalidated entry is stale by its own dates. Its fence can fail.
    .map((scenario) => ({ ...scenario, cluster: WRONG, control: withoutFence })),
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
