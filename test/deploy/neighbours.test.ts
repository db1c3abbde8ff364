import { setTimeout as sleep } from 'node:timers/promises';
import type { AsyncCacheOptions, JobOptions } from 'nestjs-async-cache';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WorkerFleet } from '../../lib/bullmq/worker-fleet.js';
import { applicationOptions, asking, eventually, Origin, type ReleaseApp, startRelease } from './release-app.js';

const HOUR: JobOptions = { ttl: '1h' };
/** Milliseconds. */
const SOON = 2_000;

let origin: Origin;
let options: AsyncCacheOptions;
beforeEach(() => {
  origin = new Origin();
  options = applicationOptions();
});

/** One process of an application that has one job, of the application's name. */
const start = (application: string, own: AsyncCacheOptions = {}): Promise<ReleaseApp> =>
  startRelease(application, {
    origin,
    jobs: { [application]: HOUR },
    options: { ...options, name: application, ...own },
  });

describe('two applications under one prefix', () => {
  it('the one that starts second says so once, with the name of the other, its place, and what to do', async () => {
    const [first, second] = [await start('users'), await start('orders')];
    await eventually(() => expect(second.of('neighbour-found')).toHaveLength(1));
    expect(second.of('neighbour-found')).toMatchObject([
      { job: '', key: '', application: 'orders', neighbour: 'users', prefix: options.prefix },
    ]);
    expect(second.of('neighbour-found')[0]?.at).toMatch(new RegExp(`:${String(process.pid)}$`));
    expect(first.of('neighbour-found')).toEqual([]);
  });

  it('a process that only requests says it, too', async () => {
    await start('users');
    const web = await start('orders', asking);
    await eventually(() => expect(web.of('neighbour-found')).toMatchObject([{ neighbour: 'users' }]));
  });

  it('of one name, or of different prefixes, are no neighbours', async () => {
    await start('users');
    const [same, elsewhere] = [
      await start('users'),
      await start('orders', { prefix: `${String(options.prefix)}-orders` }),
    ];
    await eventually(async () => expect(await workersOf(same, 'users')).toBe(2));
    await eventually(async () => expect(await workersOf(elsewhere, 'orders')).toBe(1));
    expect([...same.of('neighbour-found'), ...elsewhere.of('neighbour-found')]).toEqual([]);
  });

  it('a worker that has left is no neighbour', async () => {
    const first = await start('users');
    await eventually(async () => expect(await workersOf(first, 'users')).toBe(1));
    await first.close();
    const second = await start('orders');
    await eventually(async () => expect(await workersOf(second, 'orders')).toBe(1));
    expect(second.of('neighbour-found')).toEqual([]);
  });
});

describe('a request whose job one worker in four knows', () => {
  const KEYS: readonly string[] = Array.from({ length: 50 }, (_, n) => String(n));

  async function startFour(): Promise<ReleaseApp> {
    for (const name of ['users', 'users', 'users']) await start(name);
    const expert = await start('orders');
    await Promise.all(KEYS.map((key) => expert.job('orders').get(key)));
    return expert;
  }

  /** Milliseconds after which each key had its new value, of those that had one within two seconds. */
  async function refreshAll(expert: ReleaseApp): Promise<number[]> {
    const before = origin.fetches.length;
    await Promise.all(KEYS.map((key) => expert.job('orders').invalidate(key)));
    const from = performance.now();
    const took: number[] = [];
    while (took.length < KEYS.length && performance.now() - from < SOON) {
      await sleep(5);
      const done = origin.counts('orders', KEYS, before).filter((count) => count > 0).length;
      while (took.length < done) took.push(performance.now() - from);
    }
    expect(origin.counts('orders', KEYS, before, 'users')).toEqual(KEYS.map(() => 0));
    return took;
  }

  /** Milliseconds that each of so many requests took, the next made when the one before it was done. */
  async function refreshOneByOne(expert: ReleaseApp, count: number): Promise<number[]> {
    const took: number[] = [];
    for (let n = 0; n < count; n++) {
      const before = origin.fetches.length;
      const from = performance.now();
      await expert.job('orders').invalidate('0');
      while (origin.fetches.length === before) await sleep(1);
      took.push(performance.now() - from);
      // The workers are idle again, in an order of their own.
      await sleep(Math.random() * 40);
    }
    expect(origin.fetches.every(({ release }) => release !== 'users')).toBe(true);
    return took;
  }

  it('reaches it within two seconds, and no other worker fetches it', async () => {
    const expert = await startFour();
    await eventually(async () => expect(await workersOf(expert, 'orders')).toBe(1));
    const took = await refreshAll(expert);
    console.log(`one worker in four: ${String(took.length)} requests, the last after ${took.at(-1)?.toFixed(0)} ms`);
    expect(took).toHaveLength(KEYS.length);
  });

  it('reaches it within two seconds on idle workers, too, where requests come one at a time', async () => {
    const expert = await startFour();
    await eventually(async () => expect(await workersOf(expert, 'orders')).toBe(1));
    const took = await refreshOneByOne(expert, 60);
    console.log(`one at a time: the slowest of ${String(took.length)} after ${Math.max(...took).toFixed(0)} ms`);
    expect(took.filter((ms) => ms > SOON)).toEqual([]);
  });

  it('does not where nobody says what it knows: the control', async () => {
    const knowing = vi.spyOn(WorkerFleet.prototype, 'knowing').mockResolvedValue(0);
    onTestFinished(() => knowing.mockRestore());
    const took = await refreshAll(await startFour());
    console.log(`the control: ${String(took.length)} requests in two seconds`);
    expect(took.length).toBeLessThan(KEYS.length);
  });
});

async function workersOf(app: ReleaseApp, job: string): Promise<number | undefined> {
  return (await app.job(job).explain('any')).workers;
}
