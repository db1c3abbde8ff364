import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { median, quantile } from './statistics.mjs';

/** Nanoseconds that this process has computed, all its threads together. */
export function cpuTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

/** Nanoseconds of the wall clock. */
export const wallTime = () => Number(process.hrtime.bigint());

/**
 * Nanoseconds of one awaited call: the median of several rounds of about `ms` each, after a warm-up as long as four of them.
 * What only computes is measured by the time that the process computed, because other work on the machine stops it at any
 * moment. `index` counts up, so that a call may choose its key by it.
 */
export async function timeCalls(call, { ms = 40, rounds = 7, clock = cpuTime } = {}) {
  const calls = await callsIn(call, ms);
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const startedAt = clock();
    for (let index = 0; index < calls; index++) await call(index);
    times.push((clock() - startedAt) / calls);
  }
  return median(times);
}

/** How many calls take about `ms` of computing or waiting, after a warm-up. */
async function callsIn(call, ms) {
  const [cpu, wall] = [cpuTime(), wallTime()];
  const isOver = () => cpuTime() - cpu > ms * 4e6 || wallTime() - wall > ms * 40e6;
  let calls = 0;
  // Ever more calls between two looks at the clock, which takes longer than a read of a Map.
  for (let chunk = 1; !isOver(); chunk = Math.min(1_000, chunk * 2)) {
    for (const end = calls + chunk; calls < end; calls++) await call(calls);
  }
  return Math.max(2, Math.ceil(calls / 4));
}

/**
 * An open loop: calls start at their own times, however long the former ones take, and a latency counts from the time at
 * which its call was due. So a stall is felt by every call that would have come during it. In milliseconds.
 */
export async function openLoop(call, { perSecond, seconds }) {
  const total = Math.ceil(perSecond * seconds);
  const latencies = [];
  const failures = [];
  const running = [];
  const startedAt = performance.now() + 5;
  for (let index = 0; index < total;) {
    const now = performance.now();
    while (index < total && startedAt + (index * 1_000) / perSecond <= now) {
      const due = startedAt + (index * 1_000) / perSecond;
      running.push(
        Promise.resolve(call(index)).then(
          () => latencies.push(performance.now() - due),
          (error) => failures.push(error),
        ),
      );
      index++;
    }
    await (perSecond > 500 ? nextTurn() : sleep(1));
  }
  await Promise.race([Promise.all(running), sleep(15_000, undefined, { ref: false })]);
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    latencies,
    answered: latencies.length,
    failed: failures.length,
    total,
  };
}

/** Many calls in the same moment. Milliseconds from that moment to the answer of each. */
export async function herd(call, size) {
  const latencies = [];
  const startedAt = performance.now();
  const running = [];
  for (let index = 0; index < size; index++) {
    running.push(
      call(index).then(() => {
        latencies.push(performance.now() - startedAt);
      }),
    );
  }
  await Promise.all(running);
  return latencies;
}

/** Keys as readers ask for them: few of them often, most of them seldom (Zipf with exponent 1). The same in every run. */
export function zipf(keys, length) {
  const weights = [];
  let sum = 0;
  for (let rank = 1; rank <= keys.length; rank++) weights.push((sum += 1 / rank));
  const random = randomOf(42);
  return Array.from({ length }, () => {
    const wanted = random() * sum;
    let low = 0;
    let high = keys.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (weights[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return keys[low];
  });
}

/** Numbers in [0, 1) that are the same for the same seed. */
export function randomOf(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** Collects garbage until nothing more goes, and returns the bytes in use. */
export async function bytesInUse() {
  let least = Infinity;
  for (let turn = 0; turn < 4; turn++) {
    await nextTurn();
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

/**
 * Microseconds of computing for one call, in this process and in Redis together, and of the wall clock. The wall clock says
 * little on a machine with other work.
 */
export async function timeWithRedis(call, { client, ms = 60 }) {
  const calls = await callsIn(call, ms);
  const rounds = [];
  for (let round = 0; round < 5; round++) {
    const [cpu, server, wall] = [cpuTime(), await redisCpu(client), wallTime()];
    for (let index = 0; index < calls; index++) await call(index);
    const took = wallTime() - wall;
    rounds.push({
      wall: took / calls / 1_000,
      cpu: (cpuTime() - cpu + (await redisCpu(client)) - server) / calls / 1_000,
    });
  }
  return { wall: median(rounds.map(({ wall }) => wall)), cpu: median(rounds.map(({ cpu }) => cpu)) };
}

/** Nanoseconds that Redis has computed. */
async function redisCpu(client) {
  const info = await client.info('cpu');
  const seconds = (name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)[1]);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e9;
}
