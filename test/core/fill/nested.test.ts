import { describe, expect, it } from 'vitest';
import { refreshContext } from '../../../lib/core/fill/fetch-context.js';
import { CircularReadError } from '../../../lib/core/errors.js';
import { Gate } from '../../../lib/testing/gate.js';
import { counting, Process, SECOND, type TestJob } from '../../support/core-harness.js';

/** A report that is made of a part. */
function layered(
  process: Process,
  options: { inner?: object; outer?: object; fetch?: (...args: unknown[]) => Promise<string> } = {},
): { inner: TestJob; outer: TestJob } {
  const inner = process.job(options.fetch ?? counting(), { ttl: 60, ...options.inner }, { name: 'Inner' });
  const outer = process.job(
    async (id) => `of ${await inner.get(id)}`,
    { ttl: 60, ...options.outer },
    { name: 'Outer' },
  );
  return { inner, outer };
}

describe('an entry that was made of cached values', () => {
  it('is as old as the oldest of them, and fresh from the start of its own fetch', async () => {
    const process = new Process();
    const { inner, outer } = layered(process);
    await inner.get(1);
    await process.advance(50 * SECOND);
    expect(await outer.read(1)).toMatchObject({ value: 'of v1', status: 'miss', age: 50 });
    await process.advance(30 * SECOND);
    expect(await outer.read(1)).toMatchObject({ value: 'of v1', status: 'hit', age: 80 });
    expect(await outer.peek(1)).toMatchObject({ status: 'fresh', age: 80 });
    await process.advance(31 * SECOND);
    expect(await outer.read(1)).toMatchObject({ status: 'stale', age: 111 });
  });

  it('has the age of values that were made of others, and of stale ones', async () => {
    const process = new Process();
    const { inner, outer } = layered(process);
    const page = process.job(async (id) => `page ${await outer.get(id)}`, {}, { name: 'Page' });
    await inner.get(1);
    await process.advance(70 * SECOND);
    expect((await page.read(1)).age).toBe(70);
  });

  it('is too old for a threshold that its parts are too old for', async () => {
    const process = new Process();
    const { inner, outer } = layered(process, { outer: { ttl: 10, fetchOnStaleThreshold: 40 } });
    await inner.get(1);
    await process.advance(30 * SECOND);
    await outer.get(1);
    await process.advance(11 * SECOND);
    expect(await outer.read(1)).toMatchObject({ status: 'miss', age: 41 });
  });

  it('has their tags beside its own', async () => {
    const process = new Process();
    const { inner, outer } = layered(process, { inner: { tags: ['user'] }, outer: { tags: ['page'] } });
    await outer.get(1);
    expect((await outer.peek(1))?.tags).toEqual(['page', 'user']);
    await process.cache.invalidateTags(['user']);
    expect([await inner.peek(1), await outer.peek(1)]).toMatchObject([{ status: 'stale' }, { status: 'stale' }]);
    await process.cache.deleteTags(['user']);
    expect([await inner.peek(1), await outer.peek(1)]).toEqual([undefined, undefined]);
  });

  it('has the tags of a failure that is remembered, met as it happened or later', async () => {
    const process = new Process();
    const failing = process.job(
      () => {
        throw new Error('no such user');
      },
      { onError: () => ({ ttl: 60 }), tags: ['user'] },
      { name: 'Failing' },
    );
    const outer = process.job((id) => failing.get(id).catch(() => 'nobody'), {}, { name: 'Outer' });
    await outer.get(1);
    await outer.delete(1);
    for (const read of ['as it happens', 'later']) {
      if (read === 'later') await outer.refresh(1);
      expect((await outer.peek(1)) ?? (await outer.get(1), await outer.peek(1))).toMatchObject({ tags: ['user'] });
    }
  });

  it('has nothing of them with nested: false', async () => {
    const process = new Process();
    const { inner, outer } = layered(process, { inner: { tags: ['user'] }, outer: { nested: false } });
    await inner.get(1);
    await process.advance(50 * SECOND);
    expect(await outer.read(1)).toMatchObject({ age: 0 });
    await process.cache.invalidateTags(['user']);
    expect(await outer.peek(1)).toMatchObject({ status: 'fresh', tags: [] });
  });

  it('has nothing of what another fetch reads at the same time', async () => {
    const process = new Process();
    const gate = new Gate<undefined>();
    const inner = process.job((id: string) => id, { tags: (_, id) => [`inner:${String(id)}`] }, { name: 'Inner' });
    const outer = process.job(
      async (id: string) => {
        await gate.fetch();
        return (await Promise.all([inner.get(id), inner.get(`${id}${id}`)])).join();
      },
      {},
      { name: 'Outer' },
    );
    const reads = [outer.get('a'), outer.get('b')];
    await gate.started(2);
    gate.release(undefined);
    gate.release(undefined);
    await Promise.all(reads);
    expect((await outer.peek('a'))?.tags).toEqual(['inner:a', 'inner:aa']);
    expect((await outer.peek('b'))?.tags).toEqual(['inner:b', 'inner:bb']);
  });

  it('has what getMany and peek read inside its fetch', async () => {
    const process = new Process();
    const inner = process.job((id: string) => id, { tags: (_, id) => [`inner:${String(id)}`] }, { name: 'Inner' });
    await inner.get('c');
    const outer = process.job(
      async () => [await inner.getMany([['a'], ['b']]), await inner.peek('c')],
      {},
      { name: 'Outer' },
    );
    await outer.get();
    expect((await outer.peek())?.tags).toEqual(['inner:a', 'inner:b', 'inner:c']);
  });

  it('of a batch: each of its entries depends on all that the batch read', async () => {
    const process = new Process();
    const inner = process.job((id: string) => id, { tags: (_, id) => [`inner:${String(id)}`] }, { name: 'Inner' });
    const fetchMany = (lists: readonly string[][]) => Promise.all(lists.map(([id]) => inner.get(id)));
    const outer = process.job((id: string) => inner.get(id), {}, { name: 'Outer', fetchMany });
    await outer.getMany([['a'], ['b']]);
    await outer.get('c');
    for (const id of ['a', 'b']) expect((await outer.peek(id))?.tags).toEqual(['inner:a', 'inner:b']);
    expect((await outer.peek('c'))?.tags).toEqual(['inner:c']);
  });
});

describe('a background refresh', () => {
  /** Both values are stale, and a refresh of the outer one is requested. */
  async function stale(process: Process, outerOptions: object = {}) {
    const gate = new Gate<string>();
    gate.open(() => `v${String(gate.starts)}`);
    const { inner, outer } = layered(process, { fetch: gate.fetch, outer: outerOptions });
    await outer.get(1);
    await process.advance(61 * SECOND);
    return { inner, outer, gate };
  }

  it('waits for the new value of what is stale', async () => {
    const process = Process.refreshing();
    const { inner, outer } = await stale(process);
    expect(await outer.read(1)).toMatchObject({ value: 'of v1', status: 'stale' });
    await process.settle();
    expect(await outer.read(1)).toMatchObject({ value: 'of v2', status: 'hit', age: 0 });
    expect(await inner.read(1)).toMatchObject({ value: 'v2', status: 'hit' });
  });

  it('takes the stale one if that fails', async () => {
    const process = Process.refreshing();
    const { outer, gate } = await stale(process);
    gate.open(() => {
      throw new Error('down');
    });
    await outer.read(1);
    await process.settle();
    expect(await outer.read(1)).toMatchObject({ value: 'of v1', status: 'hit', age: 61 });
  });

  it('takes the stale one with nested: false', async () => {
    const process = Process.refreshing();
    const { outer } = await stale(process, { nested: false });
    await outer.read(1);
    await process.settle();
    expect(await outer.read(1)).toMatchObject({ value: 'of v1', status: 'hit', age: 0 });
  });

  it('through a layer between them', async () => {
    const process = Process.refreshing();
    const { outer } = await stale(process);
    const page = process.job(async (id) => `page ${await outer.get(id)}`, { ttl: 60 }, { name: 'Page' });
    await page.get(1);
    await process.settle();
    await process.advance(61 * SECOND);
    await page.get(1);
    await process.settle();
    expect(await page.read(1)).toMatchObject({ value: 'page of v3', status: 'hit', age: 0 });
  });

  it('a fetch in the caller takes what is there, and says how old that is', async () => {
    const process = Process.refreshing();
    const { outer } = await stale(process);
    await outer.delete(1);
    expect(await outer.read(1)).toMatchObject({ value: 'of v1', status: 'miss', age: 61 });
  });
});

describe('a read that would wait for itself', () => {
  it('fails at once, with the chain', async () => {
    const process = new Process();
    const job: TestJob = process.job(async () => `again ${await job.get(1)}`);
    const error = await job.get(1).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CircularReadError);
    expect(error).toMatchObject({ message: expect.stringContaining('J:1 → J:1'), chain: ['J:1', 'J:1'] });
  });

  it('through others', async () => {
    const process = new Process();
    const one: TestJob = process.job(async (id) => `one ${await other.get(id)}`, {}, { name: 'One' });
    const other: TestJob = process.job(
      async (id) => `other ${(await one.getMany([[id]])).join()}`,
      {},
      { name: 'Other' },
    );
    await expect(one.get(1)).rejects.toMatchObject({ chain: ['One:1', 'Other:1', 'One:1'] });
  });

  it('by refresh() as well', async () => {
    const process = new Process();
    const job: TestJob = process.job(async () => job.refresh());
    await expect(job.get()).rejects.toThrow(CircularReadError);
  });

  it('while the store cannot be reached', async () => {
    const process = new Process();
    process.store.acquire = () => Promise.reject(new Error('gone'));
    const job: TestJob = process.job(async () => job.get());
    await expect(job.get()).rejects.toThrow(CircularReadError);
  });

  it('two fetches that wait for each other: one of them fails, and both end', async () => {
    const process = new Process();
    const gates = { one: new Gate<undefined>(), other: new Gate<undefined>() };
    const one: TestJob = process.job(
      async () => {
        await gates.one.fetch();
        return `one of ${await other.get()}`;
      },
      {},
      { name: 'One' },
    );
    const other: TestJob = process.job(
      async () => {
        await gates.other.fetch();
        return `other of ${await one.get().catch((error: unknown) => (error as Error).name)}`;
      },
      {},
      { name: 'Other' },
    );
    const reads = [one.get(), other.get()];
    await gates.one.started(1);
    await gates.other.started(1);
    gates.one.release(undefined);
    await process.settle();
    gates.other.release(undefined);
    expect(await Promise.all(reads)).toEqual(['one of other of CircularReadError', 'other of CircularReadError']);
  });

  it('is served what is stale, where there is something', async () => {
    const process = Process.refreshing();
    const one: TestJob = process.job(async () => `one of ${await other.get()}`, { ttl: 1 }, { name: 'One' });
    const other: TestJob = process.job(async () => `other of ${await one.get()}`, { ttl: 1 }, { name: 'Other' });
    await one.set([], 'one');
    await other.set([], 'other');
    await process.advance(2 * SECOND);
    await Promise.all([one.get(), other.get()]);
    await process.settle();
    expect((await one.read()).status).toBe('hit');
    expect((await other.read()).status).toBe('hit');
  });

  it('a read that a fetch left behind is no part of it', async () => {
    const process = new Process();
    let late: Promise<string> | undefined;
    const gate = new Gate<undefined>();
    const job: TestJob = process.job(async () => {
      late ??= gate.fetch().then(() => job.get());
      return 'value';
    });
    await job.get();
    await job.delete();
    gate.release(undefined);
    expect(await late).toBe('value');
  });

  it('another key of the same job is another read', async () => {
    const process = new Process();
    const job: TestJob = process.job(async (n: number) => (n === 0 ? 'end' : `${String(n)} ${await job.get(n - 1)}`));
    expect(await job.get(5)).toBe('5 4 3 2 1 end');
  });
});

describe('refreshContext() inside fetchMany', () => {
  const batching = (process: Process, fetchMany: (lists: readonly string[][]) => unknown) =>
    process.job((id: string) => id, { ttl: 60 }, { fetchMany });

  it('speaks of the value of the arguments it is given', async () => {
    const process = new Process();
    const job = batching(process, (lists) =>
      lists.map((args) => {
        const [id] = args;
        if (id === 'a') refreshContext().setTtl(5, args);
        if (id === 'b') refreshContext().setTags(['only b'], ['b']);
        if (id === 'c') refreshContext().skip(args);
        return id;
      }),
    );
    await job.getMany([['a'], ['b'], ['c'], ['d']]);
    await process.advance(6 * SECOND);
    const statusOf = async (id: string) => (await job.peek(id))?.status;
    expect(await Promise.all(['a', 'b', 'c', 'd'].map(statusOf))).toEqual(['stale', 'fresh', undefined, 'fresh']);
    expect((await job.peek('b'))?.tags).toEqual(['only b']);
    expect((await job.peek('d'))?.tags).toEqual([]);
  });

  it('refuses to speak of all of them, and of what is not fetched', async () => {
    const process = new Process();
    const calls = [
      () => refreshContext().setTtl(5),
      () => refreshContext().setTags(['x']),
      () => refreshContext().skip(),
      () => refreshContext().setTtl(5, ['elsewhere']),
    ];
    const messages = calls.map(async (call, index) => {
      const job = process.job(
        (id: string) => id,
        {},
        {
          name: `J${String(index)}`,
          fetchMany: (lists) => {
            call();
            return lists;
          },
        },
      );
      return job.getMany([['a'], ['b']]).catch((error: unknown) => (error as Error).message);
    });
    expect(await Promise.all(messages)).toEqual([
      expect.stringMatching(/^setTtl\(\) inside fetchMany of J0 .*setTtl\(…, args\)/),
      expect.stringMatching(/^setTags\(\) inside fetchMany of J1 .*setTags\(…, args\)/),
      expect.stringMatching(/^skip\(\) inside fetchMany of J2 .*skip\(args\)/),
      expect.stringMatching(/^setTtl\(\) inside fetchMany of J3 names arguments that it was not given/),
    ]);
  });
});
