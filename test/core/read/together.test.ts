import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import type { Acquisition, Claim } from '../../../lib/core/ports.js';
import { MemoryStore } from '../../../lib/memory/memory-store.js';
import { Gate } from '../../../lib/testing/gate.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { counting, Process, START } from '../../support/core-harness.js';

type List = readonly (readonly unknown[])[];

function batching(options = {}, process = new Process(), answer = (id: unknown): unknown => `many ${String(id)}`) {
  const lists: List[] = [];
  const single = counting();
  const fetchMany = (argsList: List): unknown => {
    lists.push(argsList);
    return argsList.map(([id]) => answer(id));
  };
  return { process, single, lists, job: process.job<unknown>(single, options, { fetchMany }) };
}

const fifty = Array.from({ length: 50 }, (_, id) => id);

describe('single reads of one turn of a job with fetchMany', () => {
  it('that miss are one fetch, and each is stored', async () => {
    const { job, lists, single, process } = batching();
    const values = await Promise.all(fifty.map((id) => job.get(id)));
    expect(values).toEqual(fifty.map((id) => `many ${String(id)}`));
    expect(lists).toEqual([fifty.map((id) => [id])]);
    expect(single.calls).toEqual([]);
    expect(process.observer.of('miss')).toHaveLength(50);
    expect(await job.read(49)).toMatchObject({ value: 'many 49', status: 'hit' });
  });

  it('control: without fetchMany they are fifty', async () => {
    const process = new Process();
    const single = counting();
    const job = process.job(single);
    await Promise.all(fifty.map((id) => job.get(id)));
    expect(single.calls).toHaveLength(50);
  });

  it('come from promises, too, and in lists of at most batchSize', async () => {
    const { job, lists } = batching({ batchSize: 20 });
    await Promise.all(fifty.map(async (id) => job.get(await Promise.resolve(id))));
    expect(lists.map(({ length }) => length)).toEqual([20, 20, 10]);
  });

  it('leave out what is cached, and ask for each key once', async () => {
    const { job, lists } = batching();
    await job.set([1], 'one');
    expect(await Promise.all([job.get(1), job.get(2), job.get(2), job.get(3)])).toEqual([
      'one',
      'many 2',
      'many 2',
      'many 3',
    ]);
    expect(lists).toEqual([[[2], [3]]]);
  });

  it('that miss alone are fetched by fetch', async () => {
    const { job, lists, single } = batching();
    expect(await job.get(1)).toBe('v1');
    expect([lists, single.calls]).toEqual([[], [[1]]]);
  });

  it('fail each by itself', async () => {
    const gone = new Error('no such id');
    const { job, process } = batching({}, new Process(), (id) => (id === 2 ? gone : id));
    const settled = await Promise.allSettled([job.get(1), job.get(2), job.get(3)]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(job.get(2)).resolves.toBe('v1');
    expect(process.observer.of('miss').map(({ error }) => error)).toContain(gone);
  });

  it('have each a lease of its own: what is deleted meanwhile is not stored, the rest is', async () => {
    const gate = new Gate<string[]>();
    const process = new Process();
    const job = process.job<unknown>(counting(), {}, { fetchMany: () => gate.fetch() });
    const values = Promise.all([job.get('a'), job.get('b')]);
    await gate.started(1);
    await job.delete('a');
    gate.release(['A', 'B']);
    expect(await values).toEqual(['A', 'B']);
    expect(await job.peek('a')).toBeUndefined();
    expect(await job.peek('b')).toMatchObject({ value: 'B' });
  });

  it('wait for the claims of all, and join a fetch of a key that runs already', async () => {
    class Slow extends MemoryStore {
      override acquire(key: string, claim: Claim): Acquisition {
        const acquired = super.acquire(key, claim);
        const turns = key === 'J:"slow"' ? 5 : 0;
        return later(turns).then(() => acquired) as never;
      }
    }
    const clock = new ManualClock(START);
    const { job, lists } = batching({}, new Process({ clock, store: new Slow({ clock }) }));
    await Promise.all([job.get('quick'), job.get('slow'), job.get('quick')]);
    expect(lists).toEqual([[['quick'], ['slow']]]);
  });

  it('of a store that is gone are fetched one by one, after one failure each', async () => {
    const { job, lists, single, process } = batching();
    process.store.read = () => undefined;
    process.store.acquire = () => Promise.reject(new Error('gone'));
    expect(await Promise.all([job.get('a'), job.get('b')])).toEqual(['v1', 'v2']);
    expect([lists, single.calls]).toEqual([[], [['a'], ['b']]]);
    expect(process.observer.of('store-failed')).toHaveLength(2);
  });

  it('are fetched in the async context of the first of them', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const process = new Process();
    const job = process.job<unknown>(
      counting(),
      {},
      {
        fetchMany: (argsList: List) => {
          seen.push(storage.getStore());
          return argsList.map(() => 'many');
        },
      },
    );
    await Promise.all([storage.run('first', () => job.get('a')), storage.run('second', () => job.get('b'))]);
    expect(seen).toEqual(['first']);
  });

  it('inside different fetches are apart, so that each fetch depends on what it has read itself', async () => {
    const process = new Process();
    const lists: List[] = [];
    const inner = process.job<unknown>(
      counting(),
      { tags: (_value: unknown, id: string) => [id] },
      {
        name: 'Inner',
        fetchMany: (argsList: List) => {
          lists.push(argsList);
          return argsList.map(([id]) => id);
        },
      },
    );
    const outer = process.job<unknown>(
      (id: string) => Promise.all([inner.get(`${id}1`), inner.get(`${id}2`)]),
      {},
      {
        name: 'Outer',
      },
    );
    expect(await Promise.all([outer.get('a'), outer.get('b')])).toEqual([
      ['a1', 'a2'],
      ['b1', 'b2'],
    ]);
    expect(lists).toEqual([
      [['a1'], ['a2']],
      [['b1'], ['b2']],
    ]);
    expect((await outer.peek('a'))?.tags).toEqual(['a1', 'a2']);
    expect((await outer.peek('b'))?.tags).toEqual(['b1', 'b2']);
  });
});

async function later(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
