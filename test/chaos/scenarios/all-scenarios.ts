import { backlog } from './backlog.js';
import { oneFetch } from './g1-one-fetch.js';
import { batches } from './g10-batches.js';
import { wrongClocks } from './g12-wrong-clocks.js';
import { afterAStandstill } from './g4-after-a-standstill.js';
import { contexts } from './g14-contexts.js';
import { serverClock } from './g16-server-clock.js';
import { oneInFlight } from './g2-one-in-flight.js';
import { staleIsFast } from './g3-stale-is-fast.js';
import { noOldValue } from './g4-no-old-value.js';
import { frozenWriter } from './g5-frozen-writer.js';
import { oneFollowUp } from './g6-one-follow-up.js';
import { killedWeb } from './g7-killed-web.js';
import { killedWorker } from './g7-killed-worker.js';
import { originDown } from './g8-origin-down.js';
import { redisDown } from './g9-redis-down.js';
import type { Scenario } from './scenario.js';

/** The simulation covers G11. Neighbours share a cluster where they can. */
export const scenarios: readonly Scenario[] = [
  ...oneFetch,
  ...oneInFlight,
  ...oneFollowUp,
  ...originDown,
  ...batches,
  ...staleIsFast,
  ...noOldValue,
  ...frozenWriter,
  ...afterAStandstill,
  ...killedWorker,
  ...killedWeb,
  ...redisDown,
  ...backlog,
  ...wrongClocks,
  ...contexts,
  ...serverClock,
];
