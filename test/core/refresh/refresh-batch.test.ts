import { describe, expect, it } from 'vitest';
import { Gate } from '../../../lib/testing/gate.js';
import { counting, Process, SECOND, type TestJob } from '../../support/core-harness.js';

type List = readonly (readonly unknown[])[];

interface Batching {
  process: Process;
  job: TestJob<unknown>;
  lists: List[];
  single: ReturnType<typeof counting>;
}

/** A job with `fetchMany` and stale values under the keys 1 to `keys`. */
async function staleBatch(
  keys: number,
  fetchMany: (list: List) => unknown,
  options = {},
  process = new Process(),
): Promise<Batching> {
  const lists: List[] = [];
  const single = counting();
  const job = process.job<unknown>(single, options, {
    fetchMany: (list) => {
      lists.push(list);
      return fetchMany(list);
    },
  });
  for (let key = 1; key <= keys; key++) await job.set([key], 'old', { ttl: '1ms' });
  await process.advance(2);
  process.trace();
  return { process, job, lists, single };
}

async function readAll({ job, process }: Batching, keys: number): Promise<void> {
  const values = await job.getMany(Array.from({ length: keys }, (_, index) => [index + 1]));
  expect(values).toEqual(values.map(() => 'old'));
  await process.settle();
}

const fresh = (list: List): string[] => list.map(([key]) => `new ${String(key)}`);

describe('G10: stale keys of a job with fetchMany', () => {
  it.each([
    [1, 100, 1],
    [5, 100, 1],
    [5, 2, 3],
    [6, 2, 3],
    [250, 100, 3],
    [7, 1, 7],
  ])('%d keys in batches of %d are %d fetches', async (keys, batchSize, fetches) => {
    const scene = await staleBatch(keys, fresh, { batchSize });
    const { process, job, lists, single } = scene;
    await readAll(scene, keys);
    for (const { kind } of await process.recorded.run()) expect(kind).toBe('stored');
    expect(lists.length + single.calls.length).toBe(fetches);
    expect(process.cache.stats().fetches).toBe(fetches);
    const values = await job.getMany(Array.from({ length: keys }, (_, index) => [index + 1]));
    for (const [index, value] of values.entries())
      expect(value).toMatch(new RegExp(`^(new ${String(index + 1)}|v\\d+)$`));
    expect(process.observer.of('hit')).toHaveLength(keys);
  });

  it('asked for again while they are pending are no further requests', async () => {
    const scene = await staleBatch(3, fresh);
    for (let round = 0; round < 3; round++) await readAll(scene, 3);
    expect(scene.process.recorded.asked).toHaveLength(1);
    expect(scene.process.recorded.asked[0]?.others).toHaveLength(2);
  });

  it('what has been refreshed, deleted or failed meanwhile is left out', async () => {
    const scene = await staleBatch(4, fresh);
    const { process, job, lists } = scene;
    await readAll(scene, 4);
    await job.set([1], 'by hand');
    await job.delete(2);
    await process.recorded.run();
    expect(lists).toEqual([[[3], [4]]]);
    expect(await job.get(1)).toBe('by hand');
    expect(await job.peek(2)).toBeUndefined();
  });

  it('of which nothing is left to do are skipped', async () => {
    const scene = await staleBatch(2, fresh);
    const { process, job, lists } = scene;
    await readAll(scene, 2);
    await job.delete(1);
    await job.delete(2);
    expect(await process.recorded.run()).toEqual([{ kind: 'skipped' }]);
    expect(lists).toEqual([]);
  });

  it('a key that another holder fills is tried again', async () => {
    const gate = new Gate<string[]>();
    const scene = await staleBatch(2, gate.fetch);
    const { process, job, lists } = scene;
    await readAll(scene, 2);
    // A worker that died during its fetch.
    await process.store.acquire('J:1', { lease: 10_000, respectBackoff: true, takeOver: false });
    const running = process.recorded.run();
    await gate.started(1);
    gate.release(['new 2']);
    expect(await running).toEqual([{ kind: 'busy', retryIn: 10_000 }]);
    expect(await job.get(2)).toBe('new 2');
    await process.advance(10 * SECOND);
    gate.open(() => ['new 1']);
    expect(await process.recorded.run()).toEqual([{ kind: 'stored' }]);
    expect(await job.get(1)).toBe('new 1');
    expect(lists).toEqual([[[2]], [[1]]]);
  });

  it('wait for a store that is gone', async () => {
    const scene = await staleBatch(2, fresh);
    const { process, job } = scene;
    await readAll(scene, 2);
    const acquire = process.store.acquire.bind(process.store);
    process.store.acquire = () => Promise.reject(new Error('gone'));
    expect(await process.recorded.run()).toEqual([{ kind: 'busy', retryIn: 1_000 }]);
    process.store.acquire = acquire;
    expect(await process.recorded.run()).toEqual([{ kind: 'stored' }]);
    expect(await job.getMany([[1], [2]])).toEqual(['new 1', 'new 2']);
  });

  it('a fetch that fails is reported once, backs all of them off, and the values stay', async () => {
    const error = new Error('down');
    const scene = await staleBatch(3, () => Promise.reject(error));
    const { process, job, lists } = scene;
    await readAll(scene, 3);
    expect(await process.recorded.run()).toEqual([{ kind: 'failed', error, retryIn: 1_000 }]);
    expect(process.observer.of('refresh-failed')).toMatchObject([{ error, failures: 1 }]);
    await readAll(scene, 3);
    expect(process.recorded.pending).toEqual([]);
    await process.advance(SECOND);
    await readAll(scene, 3);
    expect(await process.recorded.run()).toEqual([{ kind: 'failed', error, retryIn: 2_000 }]);
    expect(process.observer.of('refresh-failed')).toMatchObject([{ failures: 1 }, { failures: 2 }]);
    expect(lists).toHaveLength(2);
    expect(await job.peek(2)).toMatchObject({ value: 'old', failures: 2 });
  });

  it('values that cannot be stored are reported each, and the others are stored', async () => {
    const scene = await staleBatch(3, () => [() => 1, 'new 2', () => 3]);
    const { process, job } = scene;
    await readAll(scene, 3);
    expect(await process.recorded.run()).toMatchObject([{ kind: 'failed' }]);
    expect(process.observer.of('refresh-failed').map(({ key }) => key)).toEqual(['J:1', 'J:3']);
    expect(await job.get(2)).toBe('new 2');
  });

  it('one that is invalidated during the fetch is fetched once more, and the others are not', async () => {
    const gate = new Gate<string[]>();
    const scene = await staleBatch(2, gate.fetch);
    const { process, job, lists, single } = scene;
    await readAll(scene, 2);
    const running = process.recorded.run();
    await gate.started(1);
    await job.invalidate(1);
    await job.invalidate(1);
    gate.release(['before 1', 'new 2']);
    expect(await running).toEqual([{ kind: 'stored' }]);
    await process.settle();
    await process.recorded.run();
    expect([lists.length, single.calls]).toEqual([1, [[1]]]);
    expect(await job.getMany([[1], [2]])).toEqual(['v1', 'new 2']);
  });

  it('a reader that finds a key in the batch joins it', async () => {
    const gate = new Gate<string[]>();
    const scene = await staleBatch(2, gate.fetch, { fetchOnStaleThreshold: 30 });
    const { process, job, single } = scene;
    await readAll(scene, 2);
    const running = process.recorded.run();
    await gate.started(1);
    await process.advance(31 * SECOND);
    const reading = job.read(1);
    await process.settle();
    gate.release(['new 1', 'new 2']);
    await running;
    expect(await reading).toMatchObject({ value: 'new 1', status: 'miss' });
    expect(single.calls).toEqual([]);
  });

  it('are refreshed one by one by a process whose job has no fetchMany', async () => {
    const scene = await staleBatch(3, fresh);
    const { process } = scene;
    await readAll(scene, 3);
    const other = new Process({ clock: process.clock, store: process.store });
    const job = other.job<unknown>(counting());
    await other.recorded.request(process.recorded.pending);
    expect(await other.recorded.run()).toEqual([{ kind: 'stored' }]);
    expect((await job.getMany([[1], [2], [3]])).sort()).toEqual(['v1', 'v2', 'v3']);
  });
});
