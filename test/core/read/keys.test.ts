import { describe, expect, it } from 'vitest';
import { ConfigurationError, UnkeyableArgumentError } from '../../../lib/core/errors.js';
import { counting, MINUTE, Process } from '../../support/core-harness.js';

describe('the key of a read', () => {
  it('an argument that cannot be one is an error of the call, and nothing is fetched', async () => {
    const process = new Process();
    const fetch = counting();
    const job = process.job(fetch);
    const calls = [
      () => job.get(() => 1),
      () => job.read(Symbol('s')),
      () => job.peek(() => 1),
      () => job.set([() => 1], 'v'),
      () => job.refresh(() => 1),
      () => job.invalidate(() => 1),
      () => job.delete(() => 1),
      () => job.getMany([['a'], [() => 1]]),
    ];
    for (const call of calls) {
      let rejection: Promise<unknown> | undefined;
      expect(() => void (rejection = call())).not.toThrow();
      await expect(rejection).rejects.toBeInstanceOf(UnkeyableArgumentError);
    }
    expect(fetch.calls).toEqual([]);
    expect(await job.warm([[() => 1], ['a']])).toEqual({ done: 1, failed: 1, total: 2 });
  });

  it("may be the job's own", async () => {
    const process = new Process();
    const fetch = counting();
    const job = process.job(fetch, { key: (user: { id: number }) => String(user.id), ttl: 60 });
    expect(await job.get({ id: 1, seen: 'today' })).toBe('v1');
    expect(await job.get({ id: 1, seen: 'tomorrow' })).toBe('v1');
    expect(await job.get({ id: 2 })).toBe('v2');
  });

  it('that is no text is refused', async () => {
    const process = new Process();
    const job = process.job(counting(), { key: (() => 7) as never });
    await expect(job.get('a')).rejects.toThrow(ConfigurationError);
    await expect(job.get('a')).rejects.toThrow('key() of J returned 7');
  });

  it('prepared arguments are used in the key, in fetch, and in the request for a refresh', async () => {
    const process = new Process();
    const fetch = counting();
    const seen: unknown[] = [];
    const job = process.job(fetch, {
      ttl: 60,
      prepareArgs: (name: string) => [name.toLowerCase(), 'prepared'],
      processResult: (value, { args }) => {
        seen.push(args);
        return value;
      },
    });
    expect(await job.get('BOB')).toBe('v1');
    expect(await job.get('bob')).toBe('v1');
    expect(fetch.calls).toEqual([['bob', 'prepared']]);
    expect(seen).toEqual([
      ['bob', 'prepared'],
      ['bob', 'prepared'],
    ]);
    await process.advance(2 * MINUTE);
    await job.get('Bob');
    await process.settle();
    expect(process.recorded.asked).toMatchObject([{ args: ['bob', 'prepared'] }]);
    await process.recorded.run();
    expect(fetch.calls).toEqual([
      ['bob', 'prepared'],
      ['bob', 'prepared'],
    ]);
  });

  it('arguments named like members of Object.prototype are ordinary keys', async () => {
    const process = new Process();
    const job = process.job((name: string) => name);
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(await job.get(name)).toBe(name);
      expect(await job.read(name)).toMatchObject({ value: name, status: 'hit' });
    }
  });

  it('remembering the keys of many texts mixes none up', async () => {
    const process = new Process();
    const job = process.job((name: string) => name);
    const names = Array.from({ length: 2_500 }, (_, index) => `name ${String(index)}`);
    for (const name of names) expect(await job.get(name)).toBe(name);
    for (const name of names) expect(await job.read(name)).toMatchObject({ value: name, status: 'hit' });
  });

  it('another version is another key', async () => {
    const process = new Process();
    const old = process.job(counting(), { version: 1 });
    await old.get('a');
    const next = new Process({ clock: process.clock, store: process.store }).job(async () => 'next', { version: 2 });
    expect(await next.get('a')).toBe('next');
    expect(await old.get('a')).toBe('v1');
  });
});
