// One of several processes that share a Redis: see members.mjs. Reads when it is told to, and says how long it took.
import { setTimeout as sleep } from 'node:timers/promises';
import { firstLine, loadSubject } from './catalogue.mjs';
import { cpuTime, herd, openLoop, randomOf, zipf } from './load.mjs';

const spec = JSON.parse(process.argv[2]);
process.on('unhandledRejection', () => undefined);
process.on('disconnect', () => process.exit());
const subject = await loadSubject(spec.file);
let fetches = 0;
const fetch = async (key) => {
  fetches++;
  await sleep(spec.fetchMs);
  return { key };
};
const cache = await subject.open({ max: 100_000, ...spec, fetch });

const commands = {
  count: async () => ({}),
  async fill({ keys }) {
    for (const key of keys) await cache.get(key);
  },
  herd: async ({ key, size }) => ({ latencies: await herd(() => cache.get(key), size) }),
  /** `readers` readers, each of which reads again as soon as it has its answer. */
  async load({ keys, readers, ms }) {
    const order = zipf(keys, 10_000);
    const until = performance.now() + ms;
    const cpu = cpuTime();
    let reads = 0;
    const reader = async (first) => {
      for (let index = first; performance.now() < until; index++) {
        await cache.get(order[index % order.length]);
        reads++;
      }
    };
    await Promise.all(Array.from({ length: readers }, (_, index) => reader((index + spec.member * 16) * 97)));
    return { reads, cpu: (cpuTime() - cpu) / 1e6 };
  },
  /** Reads a key after a delay of its own, and says when it had the answer by the clock that all processes share. */
  async miss({ key, delays }) {
    await sleep(delays[spec.member]);
    await cache.get(key);
    return { answeredAt: Number(process.hrtime.bigint()) / 1e6 };
  },
  /** Reads that start at their own times, of keys chosen evenly and at random. */
  async steady({ keys, perSecond, seconds }) {
    const random = randomOf(spec.member + 1);
    await openLoop(() => cache.get(keys[Math.floor(random() * keys.length)]), { perSecond, seconds });
  },
};

process.on('message', async ({ command, ...rest }) => {
  // What a background refresh fetched after the answers of a herd is asked for later.
  if (command !== 'count') fetches = 0;
  try {
    const answer = await commands[command](rest);
    process.send({ ...answer, fetches });
  } catch (error) {
    process.send({ error: firstLine(error) });
  }
});
process.send({ ready: true });
