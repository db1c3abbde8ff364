import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../lib/memory/memory-store.js';
import { InProcessRefreshQueue } from '../../../lib/memory/in-process-refresh-queue.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { MINUTE, Process, SECOND, START } from '../../support/core-harness.js';

/** Processes read one key all the time while its origin is down. Returns when the fetches were, in ms. */
async function outage({ processes = 1, lasting = 40 * SECOND, every = 50, options = {} }): Promise<number[]> {
  const clock = new ManualClock(START);
  const store = new MemoryStore({ clock });
  const fetches: number[] = [];
  let since = 0;
  const jobs = Array.from({ length: processes }, () =>
    new Process({ clock, store, inProcess: new InProcessRefreshQueue({ clock }) }).job(
      () => {
        fetches.push(clock.now() - since);
        return Promise.reject<string>(new Error('down'));
      },
      { ttl: 60, ...options },
    ),
  );
  await jobs[0]!.set(['a'], 'old');
  await clock.advance(MINUTE + 1);
  since = clock.now();
  for (let ms = 0; ms < lasting; ms += every) {
    for (const job of jobs) expect(await job.read('a')).toMatchObject({ value: 'old', status: 'stale' });
    await clock.advance(every);
  }
  return fetches;
}

describe('while the origin is down', () => {
  it('it is asked after 1, 2, 4, … seconds, and every read is answered', async () => {
    expect(await outage({})).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000]);
  });

  it('by all processes together', async () => {
    expect(await outage({ processes: 4 })).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000]);
  });

  it('never more seldom than the longest wait', async () => {
    const options = { backoff: { initial: '100ms', factor: 4, max: 1 } };
    expect(await outage({ lasting: 4 * SECOND, options })).toEqual([0, 100, 500, 1_500, 2_500, 3_500]);
  });

  it('20 reads in a second are at most two fetches', async () => {
    expect(await outage({ lasting: 1_000 })).toEqual([0]);
    expect(await outage({ lasting: 1_050 })).toEqual([0, 1_000]);
  });

  it('also by readers that fetch values that are too stale', async () => {
    expect(await outage({ processes: 2, options: { fetchOnStaleThreshold: 60 } })).toEqual([
      0, 1_000, 3_000, 7_000, 15_000, 31_000,
    ]);
  });

  it('also by requests that are attempted several times', async () => {
    const fetches = await outage({ lasting: 8_000, options: { queue: { attempts: 10 } } });
    expect(fetches).toHaveLength(4);
    for (const [index, at] of [0, 1_000, 3_000, 7_000].entries())
      expect(Math.abs(fetches[index]! - at)).toBeLessThan(100);
  });

  it('a factor of 1 asks at equal distances', async () => {
    const options = { backoff: { initial: 1, factor: 1 } };
    expect(await outage({ lasting: 4_500, options })).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
  });
});

describe('a backoff', () => {
  it('ends with a success: the next failure starts from the beginning', async () => {
    const process = Process.refreshing();
    const answers = [
      () => Promise.reject(new Error('down')),
      () => Promise.reject(new Error('down')),
      async () => 'new',
    ];
    const job = process.job(() => answers.shift()?.() ?? Promise.reject<string>(new Error('down again')), { ttl: 60 });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    for (const wait of [0, SECOND, 2 * SECOND]) {
      await process.advance(wait);
      await job.get('a');
      await process.settle();
    }
    expect(await job.peek('a')).toMatchObject({ value: 'new', failures: 0 });
    expect((await job.peek('a'))?.lastError).toBeUndefined();
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    expect(await job.peek('a')).toMatchObject({ value: 'new', failures: 1, lastError: 'down again' });
    expect(process.observer.of('refresh-failed').map(({ failures }) => failures)).toEqual([1, 2, 1]);
  });

  it('ends with a value set by hand', async () => {
    const process = Process.refreshing();
    const job = process.job(() => Promise.reject<string>(new Error('down')), { ttl: 60 });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    await job.set(['a'], 'by hand');
    expect(await job.peek('a')).toMatchObject({ failures: 0 });
  });

  it('does not hold up a refresh by hand, whose failure lengthens it', async () => {
    const process = Process.refreshing();
    const error = new Error('down');
    const job = process.job(() => Promise.reject<string>(error), { ttl: 60 });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    await expect(job.refresh('a')).rejects.toBe(error);
    expect(await job.peek('a')).toMatchObject({ failures: 2, nextAttempt: new Date(process.clock.now() + 2_000) });
  });

  it('does not delay a reader of a key that has nothing to serve', async () => {
    const process = new Process();
    let fetches = 0;
    const job = process.job(() => {
      fetches++;
      return Promise.reject<string>(new Error('down'));
    });
    for (let read = 0; read < 3; read++) await expect(job.get('a')).rejects.toThrow('down');
    expect(fetches).toBe(3);
  });

  it('outlives the value: what is expired is not asked for more often', async () => {
    const process = Process.refreshing();
    const at: number[] = [];
    let since = 0;
    const job = process.job(
      () => {
        at.push(process.clock.now() - since);
        return Promise.reject<string>(new Error('down'));
      },
      { ttl: 60, grace: 5, fetchOnMiss: false },
    );
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    since = process.clock.now();
    for (let ms = 0; ms < 16_000; ms += 100) {
      await job.get('a');
      await process.advance(100);
    }
    expect(at).toEqual([0, 1_000, 3_000, 7_000, 15_000]);
  });
});
