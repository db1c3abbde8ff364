import { describe, expect, it } from 'vitest';
import { refreshContext } from '../../../lib/core/fill/fetch-context.js';
import { Gate } from '../../../lib/testing/gate.js';
import { outcomeOf, Process, SECOND, type TestJob } from '../../support/core-harness.js';

type Change = (job: TestJob, process: Process) => Promise<unknown>;

const changes: Record<string, Change> = {
  invalidate: (job) => job.invalidate('a'),
  invalidateTags: (_, process) => process.cache.invalidateTags(['tag']),
  deleteTags: (_, process) => process.cache.deleteTags(['tag']),
  delete: (job) => job.delete('a'),
  invalidateAll: (job) => job.cached.invalidateAll(),
  clear: (_, process) => process.cache.clear(),
};

const cannotBeStored = { member: () => 1 };
let fetched = 0;

/** The outcomes of a fetch that are not stored as a value. */
const outcomes: Record<string, { options?: object; end: () => unknown }> = {
  'it failed': {
    end: () => {
      throw new Error('before');
    },
  },
  'its failure is remembered': {
    options: { onError: () => ({ ttl: 60 }) },
    end: () => {
      throw new Error('before');
    },
  },
  'it is not to be stored': {
    options: { cacheIf: () => false },
    end: () => 'before',
  },
  'it was skipped': {
    end: () => {
      refreshContext().skip();
      return 'before';
    },
  },
  'it cannot be stored': { end: () => cannotBeStored },
};

for (const [change, make] of Object.entries(changes)) {
  describe(`after ${change} was acknowledged, no reader gets the outcome of a fetch from before it`, () => {
    for (const [outcome, { options = {}, end }] of Object.entries(outcomes)) {
      it(`although ${outcome}`, async () => {
        const process = new Process();
        const gate = new Gate<() => unknown>();
        fetched = 0;
        const job = process.job<unknown>(
          async () => {
            const first = fetched++ === 0;
            const ends = await gate.fetch();
            return first ? ends() : 'after';
          },
          { tags: ['tag'], cacheIf: (value: unknown) => value === 'after', ...options },
        ) as TestJob;
        const early = job.get('a').catch((error: unknown) => (error as Error).message);
        await gate.started(1);
        await make(job, process);
        const late = job.get('a');
        await process.settle();
        gate.release(end);
        gate.open(() => end);
        await process.settle();
        expect([cannotBeStored, 'before']).toContainEqual(await early);
        expect(await late).toBe('after');
      });
    }
  });
}

describe('readers that came before a failing fetch ended', () => {
  it('share it where nothing has changed', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const reads = [job.get('a'), job.get('a')];
    await gate.started(1);
    const late = job.get('a');
    await process.settle();
    gate.fail(new Error('down'));
    const ended = await Promise.allSettled([...reads, late]);
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(gate.starts).toBe(1);
  });
});

describe('while the store takes no values', () => {
  it('a reader that comes during a fetch does not get its outcome, since changes are unknown', async () => {
    const process = new Process();
    process.store.acquire = () => Promise.reject(new Error('OOM'));
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const early = [job.get('a'), job.get('a')];
    await gate.started(1);
    await job.delete('a');
    const late = [job.get('a'), job.get('a')];
    expect(await outcomeOf(late[0] as Promise<string>)).toBe('pending');
    gate.release('before');
    expect(await Promise.all(early)).toEqual(['before', 'before']);
    await gate.started(2);
    gate.release('after');
    expect(await Promise.all(late)).toEqual(['after', 'after']);
    expect(gate.starts).toBe(2);
  });
});

describe('a key that is invalidated faster than it can be fetched', () => {
  it('moves on with each fetch, and is never called fresh', async () => {
    const process = Process.refreshing();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ttl: 60 });
    await job.set(['a'], 'v0');
    await job.invalidate('a');
    const seen: unknown[] = [];
    for (let fetch = 1; fetch <= 4; fetch++) {
      await gate.started(fetch);
      await job.invalidate('a');
      gate.release(`v${String(fetch)}`);
      await process.settle();
      const { value, status } = await job.read('a');
      seen.push([value, status]);
    }
    expect(seen).toEqual([1, 2, 3, 4].map((fetch) => [`v${String(fetch)}`, 'stale']));
    await gate.started(5);
    gate.release('v5');
    await process.settle();
    expect(await job.read('a')).toMatchObject({ value: 'v5', status: 'hit' });
    expect(gate.starts).toBe(5);
  });

  it('leaves its place to waiting requests', async () => {
    const clock = new Process().clock;
    const { InProcessRefreshQueue } = await import('../../../lib/memory/in-process-refresh-queue.js');
    const process = new Process({ clock, inProcess: new InProcessRefreshQueue({ clock, concurrency: 1 }) });
    const order: string[] = [];
    const gate = new Gate<string, [string]>();
    const job = process.job((key: string) => {
      order.push(key);
      return gate.fetch(key);
    });
    for (const key of ['busy', 'other']) await job.set([key], 'old');
    await job.invalidate('busy');
    await job.invalidate('other');
    await gate.started(1);
    await job.invalidate('busy');
    gate.release('new');
    await gate.started(2);
    gate.release('new');
    await gate.started(3);
    gate.release('new');
    await process.settle();
    expect(order).toEqual(['busy', 'other', 'busy']);
  });

  it('refuses what a removal or a set came after', async () => {
    for (const change of [(job: TestJob) => job.delete('a'), (job: TestJob) => job.set(['a'], 'set')]) {
      const process = Process.refreshing();
      const gate = new Gate<string>();
      const job = process.job(gate.fetch, { ttl: 60 });
      await job.set(['a'], 'old');
      await process.advance(61 * SECOND);
      await job.get('a');
      await gate.started(1);
      await job.invalidate('a');
      await change(job);
      const before = await job.peek('a');
      gate.release('late');
      await process.settle();
      expect(await job.peek('a')).toEqual(before);
    }
  });
});
