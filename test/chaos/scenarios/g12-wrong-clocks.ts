import { CROWD, oneFetch } from './g1-one-fetch.js';
import { noOldValue } from './g4-no-old-value.js';
import { killedWorker } from './g7-killed-worker.js';
import type { Scenario } from './scenario.js';

const OFFSETS = [0, 15, -15];
const HOST_CLOCK = { without: "the server's clock", cluster: { sabotage: 'host-clock', clockOffsets: OFFSETS } };

/** What is measured elsewhere with right clocks, by processes that disagree about the time by up to half an hour. */
export const wrongClocks: readonly Scenario[] = [
  ...oneFetch.slice(0, 2).map((scenario) => ({
    ...scenario,
    control: { ...HOST_CLOCK, cluster: { ...HOST_CLOCK.cluster, ...SMALL_CROWD() }, size: 3 },
  })),
  ...noOldValue
    .filter(({ cluster, title }) => !cluster.near && title.includes(' invalidate '))
    .map((scenario) => ({ ...scenario, control: { ...HOST_CLOCK, size: 8 } })),
  ...killedWorker.slice(0, 1),
].map((scenario) => ({
  ...scenario,
  guarantee: 'G12',
  title: `clocks 15 min fast and slow: ${scenario.title}`,
  cluster: { ...scenario.cluster, clockOffsets: OFFSETS },
}));

function SMALL_CROWD(): Pick<typeof CROWD, 'webs' | 'workers' | 'jobs'> {
  return { webs: 2, workers: 2, jobs: ['plain', 'lag1'] };
}
