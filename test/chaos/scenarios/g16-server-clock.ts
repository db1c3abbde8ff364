import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, ClusterOptions } from '../cluster/cluster.js';
import { percentile, waitsOf } from '../cluster/patience.js';
import { CHANGES, type Change, LANES, oldValuesBack } from './g4-no-old-value.js';
import { LEASE, takeovers } from './g7-killed-web.js';
import { recoveries } from './g7-killed-worker.js';
import { attemptsOf, mostAttempts } from './g8-origin-down.js';
import { FEW, type Measured, PATIENT, type Scenario } from './scenario.js';

/** Milliseconds by which Redis sets its clock. */
const STEPS: readonly number[] = [1_000, -1_000, 60_000, -60_000, 600_000, -600_000];
/** A run of the tests has some of it, since each measurement waits for seconds. */
const IN_TESTS = { step: -600_000, changes: { near: ['invalidateTag'], far: ['set', 'invalidate'] } } as const;
/** Milliseconds: the lease, the ten seconds for which it may last longer, and one for the rest. */
const LONGEST_WAIT = LEASE + 10_000 + 1_000;
/** Milliseconds until workers know that the clock was set back. */
const NOTICED_WITHIN = 5_000;

const SETTABLE: ClusterOptions = { ...FEW, settableClock: true };
const endlessLease = { without: 'the end of a lease', size: 1, onlyLong: true };

const noOldValue = [false, true].flatMap((near) =>
  CHANGES.map((change): Scenario => ({
    guarantee: 'G16',
    title: `old value back after ${change} during a fetch, clock set by ${STEPS.map(written).join(', ')} before or after it, near tier ${near ? 'on' : 'off'}`,
    limit: '0',
    cluster: { ...SETTABLE, near },
    size: { short: LANES, long: 20 * LANES },
    measure: (cluster, size) => measureOld(cluster, change, size),
    onlyLong: !(IN_TESTS.changes[near ? 'near' : 'far'] as readonly Change[]).includes(change),
    control: {
      without: 'the fence',
      cluster: { ...SETTABLE, near, workers: 1, sabotage: 'no-fence' },
      size: LANES,
      onlyLong: near || change !== 'set',
    },
  })),
);

/** What others measure on a Redis whose clock nobody sets, with a step in the middle of it. */
const afterAStep = STEPS.flatMap((step): Scenario[] => {
  const common = { guarantee: 'G16', onlyLong: step !== IN_TESTS.step };
  return [
    {
      ...common,
      title: `SIGKILL of a web that fetches a cold key, clock set by ${written(step)}: time to the value elsewhere, lease 2 s`,
      limit: 'p99 ≤ 13 s: after a step back a lease lasts 10 s more at most; one fetch more, 0 stuck',
      cluster: { webs: 3, workers: 0, jobs: ['quick'], storeTimeout: PATIENT, settableClock: true },
      size: { short: 8, long: 40 },
      measure: (cluster, size) => measureTakeover(cluster, step, size),
      control: { ...endlessLease, cluster: { sabotage: 'endless-lease' } },
    },
    {
      ...common,
      title: `SIGKILL of a worker in mid-refresh, clock set by ${written(step)}: time to the fresh value, lease 2 s`,
      limit: 'p99 ≤ 18 s: as above, and workers notice within 5 s that the clock was set back; 0 stuck',
      cluster: { webs: 1, workers: 4, jobs: ['quick'], storeTimeout: PATIENT, settableClock: true },
      size: { short: 2, long: 40 },
      measure: (cluster, size) => measureRecovery(cluster, step, size),
      control: { ...endlessLease, cluster: { sabotage: 'endless-lease', workers: 2 } },
    },
    {
      ...common,
      title: `most fetches of one key while the origin is down, clock set by ${written(step)}: 8 processes reading, backoff from 250 ms`,
      limit: '1 + steps of the backoff + 1 for the step of the clock',
      cluster: { ...SETTABLE, webs: 4, workers: 4, jobs: ['failing'] },
      size: { short: 4, long: 20 },
      measure: (cluster, size) => measureAttempts(cluster, step, size),
      control: {
        without: 'the backoff',
        cluster: { webs: 2, workers: 1, sabotage: 'no-backoff' },
        size: 2,
        onlyLong: true,
      },
    },
  ];
});

/** Only on Linux can the clock of one program be set. */
export const serverClock: readonly Scenario[] = process.platform === 'linux' ? [...noOldValue, ...afterAStep] : [];

function written(step: number): string {
  return `${step < 0 ? '−' : '+'}${Math.abs(step) / 1_000} s`;
}

/** `size` races for each step, before and after the change. */
async function measureOld(cluster: Cluster, change: Change, size: number): Promise<Measured> {
  const back: string[] = [];
  for (const step of STEPS) {
    for (const moment of ['beforeChange', 'afterChange'] as const) {
      let offset = 0;
      const setOnce = atEachMeeting(LANES, () => {
        // Every other time it is set back again, which is a step too.
        offset = offset === 0 ? step : 0;
        cluster.setServerClock(offset);
      });
      const patience = 2 * NOTICED_WITHIN;
      const count = await oldValuesBack(cluster, change, size, { [moment]: setOnce, patience });
      if (count > 0) back.push(`${count} of ${size} with ${written(step)} ${moment}`);
      cluster.setServerClock(0);
    }
  }
  return { n: size * STEPS.length * 2, number: back.join(', ') || '0', holds: back.length === 0 };
}

/** Each caller waits for so many callers; `act` runs when all of them are there. */
function atEachMeeting(size: number, act: () => void): () => Promise<void> {
  let waiting: (() => void)[] = [];
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length < size) return;
      act();
      for (const go of waiting) go();
      waiting = [];
    });
}

async function measureTakeover(cluster: Cluster, step: number, size: number): Promise<Measured> {
  const afterKill = (): void => cluster.setServerClock(step);
  const { times, stuck, most } = await takeovers(cluster, size, { afterKill, patience: 1.5 * LONGEST_WAIT });
  cluster.setServerClock(0);
  const holds = stuck === 0 && most <= 2;
  return {
    n: times.length + stuck,
    number: `${waitsOf(times)}at most ${most} fetches with that of the dead, ${stuck} stuck`,
    holds,
    exact: holds && percentile(times, 99) <= LONGEST_WAIT,
  };
}

async function measureRecovery(cluster: Cluster, step: number, size: number): Promise<Measured> {
  const afterKill = (): void => cluster.setServerClock(step);
  const { times, stuck } = await recoveries(cluster, 'quick', size, { afterKill, patience: 1.5 * LONGEST_WAIT });
  cluster.setServerClock(0);
  return {
    n: times.length + stuck,
    number: `${waitsOf(times)}${stuck} stuck`,
    holds: stuck === 0,
    exact: stuck === 0 && percentile(times, 99) <= LONGEST_WAIT + NOTICED_WITHIN,
  };
}

async function measureAttempts(cluster: Cluster, step: number, seconds: number): Promise<Measured> {
  const { attempts, reads, failed, recovered } = await attemptsOf(cluster, seconds, async () => {
    await sleep((seconds * 1_000) / 2);
    cluster.setServerClock(step);
  });
  cluster.setServerClock(0);
  const most = mostAttempts(seconds) + 1;
  return {
    n: reads,
    number: `${attempts} of at most ${most} in ${seconds} s, ${failed} failed${recovered ? '' : ', not recovered'}`,
    holds: attempts <= most && failed === 0 && recovered,
  };
}
