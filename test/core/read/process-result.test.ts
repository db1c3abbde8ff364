import { describe, expect, it } from 'vitest';
import type { ProcessedRead } from '../../../lib/core/policy/job-options.js';
import { counting, MINUTE, Process, SECOND } from '../../support/core-harness.js';

describe('processResult', () => {
  it('is the last step of every read, and sees how it came about', async () => {
    const process = new Process();
    const seen: (ProcessedRead & { value: unknown })[] = [];
    const job = process.job(counting(), {
      ttl: 60,
      fetchOnStaleThreshold: 600,
      processResult: (value, read) => {
        seen.push({ value, ...read });
        return `<${value}>`;
      },
    });
    expect(await job.get('a', 1)).toBe('<v1>');
    await process.advance(30 * SECOND);
    expect(await job.read('a', 1)).toMatchObject({ value: '<v1>', status: 'hit' });
    await process.advance(60 * SECOND);
    expect(await job.read('a', 1)).toMatchObject({ value: '<v1>', status: 'stale' });
    await process.advance(10 * MINUTE);
    expect(await job.read('a', 1)).toMatchObject({ value: '<v2>', status: 'miss' });
    const common = { key: 'J:"a",1', args: ['a', 1] };
    expect(seen).toEqual([
      { ...common, value: 'v1', status: 'miss', age: 0, refreshing: false, fetched: true },
      { ...common, value: 'v1', status: 'hit', age: 30, refreshing: false, fetched: false },
      { ...common, value: 'v1', status: 'stale', age: 90, refreshing: true, fetched: false },
      { ...common, value: 'v2', status: 'miss', age: 0, refreshing: false, fetched: true },
    ]);
  });

  it('what it makes is not stored', async () => {
    const process = new Process();
    const job = process.job<{ n: number } | Date>(() => ({ n: 0 }), { processResult: () => new Date(0) });
    expect(await job.get('a')).toEqual(new Date(0));
    expect(await job.peek('a')).toMatchObject({ value: { n: 0 } });
  });

  it('may be asynchronous', async () => {
    const process = new Process();
    const job = process.job(counting(), { processResult: async (value) => `<${value}>` });
    expect([await job.get('a'), await job.get('a'), (await job.read('a')).value]).toEqual(['<v1>', '<v1>', '<v1>']);
  });

  it('sees a stale value that is served because the fetch failed, and that it was waited for', async () => {
    const process = new Process();
    const seen: ProcessedRead[] = [];
    const job = process.job(() => Promise.reject<string>(new Error('down')), {
      ttl: 60,
      fetchOnStaleThreshold: 60,
      processResult: (value, read) => {
        seen.push(read);
        return value;
      },
    });
    await job.set(['a'], 'old');
    await process.advance(61 * SECOND);
    expect(await job.get('a')).toBe('old');
    expect(seen).toMatchObject([{ status: 'stale', age: 61, fetched: true, refreshing: false }]);
  });

  it('sees the placeholder of a job that does not fetch on a miss', async () => {
    const process = new Process();
    const job = process.job<unknown>(counting(), {
      fetchOnMiss: false,
      processResult: (value, { status, fetched }) => [value, status, fetched],
    });
    expect(await job.get('a')).toEqual([null, 'miss', false]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('shape');
      },
    ],
    ['rejects', () => Promise.reject(new Error('shape'))],
  ])('when it %s the read rejects, and the next one tries anew', async (_, processResult) => {
    const process = new Process();
    const fetch = counting();
    const job = process.job<unknown>(fetch, { processResult });
    for (let read = 0; read < 3; read++) await expect(job.get('a')).rejects.toThrow('shape');
    await expect(job.read('a')).rejects.toThrow('shape');
    expect(fetch.calls).toHaveLength(1);
  });

  it('is called on the instance that is read', async () => {
    const process = new Process();
    const target = { suffix: '!' };
    const job = process.job(
      counting(),
      {
        processResult(this: typeof target, value: string) {
          return value + this.suffix;
        },
      },
      { target },
    );
    expect(await job.get('a')).toBe('v1!');
  });
});
