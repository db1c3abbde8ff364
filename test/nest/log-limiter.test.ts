import { Logger } from '@nestjs/common';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StoreError } from '../../lib/core/errors.js';
import { EventObserver } from '../../lib/nest/event-observer.js';
import { LogLimiter } from '../../lib/nest/log-limiter.js';

function open(): { limiter: LogLimiter; leftOut: [string, number][]; advance(ms: number): void } {
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  const leftOut: [string, number][] = [];
  const limiter = new LogLimiter({
    writeLeftOut: (kind, count) => leftOut.push([kind, count]),
    now: () => now,
    schedule: (ms, run) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => (timers = timers.filter((each) => each !== timer));
    },
  });
  const advance = (ms: number): void => {
    now += ms;
    for (const { at, run } of [...timers]) if (at <= now) run();
  };
  return { limiter, leftOut, advance };
}

describe('log lines', () => {
  it('of one kind: one in a minute, then how many were left out', () => {
    const { limiter, leftOut, advance } = open();
    const written = Array.from({ length: 40_000 }, () => limiter.allows('store-failed')).filter(Boolean);
    expect(written).toHaveLength(1);
    advance(60_000);
    expect(leftOut).toEqual([['store-failed', 39_999]]);
    expect(limiter.allows('store-failed')).toBe(true);
  });

  it('of several kinds do not keep each other out, and a single line is followed by nothing', () => {
    const { limiter, leftOut, advance } = open();
    expect([limiter.allows('a'), limiter.allows('b'), limiter.allows('a')]).toEqual([true, true, false]);
    advance(60_000);
    expect(leftOut).toEqual([['a', 1]]);
    limiter.allows('c');
    limiter.allows('c');
    limiter.close();
    expect(leftOut.at(-1)).toEqual(['c', 1]);
  });

  it('a million kinds take the place of a thousand', () => {
    const { limiter, leftOut } = open();
    for (let kind = 0; kind < 10_000; kind++) {
      limiter.allows(String(kind));
      limiter.allows(String(kind));
    }
    expect(leftOut).toHaveLength(9_000);
  });

  it('tell what Redis refuses, also where another failure of the store was logged just before', () => {
    const logged = vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    onTestFinished(() => void logged.mockRestore());
    const observer = new EventObserver();
    for (const message of ['There is no connection to Redis', 'WRONGPASS invalid', 'WRONGPASS invalid', 'OOM now']) {
      const error = new StoreError('read', { cause: new Error(message) });
      observer.observe({ type: 'store-failed', job: 'J', key: 'J:1', operation: 'read', error });
    }
    expect(logged.mock.calls.map(([text]) => /connection|WRONGPASS|OOM/.exec(String(text))?.[0])).toEqual([
      'connection',
      'WRONGPASS',
      'OOM',
    ]);
    observer.complete();
  });

  it('subscribers get every event, also of what is not logged', () => {
    const observer = new EventObserver();
    let seen = 0;
    observer.events$.subscribe(() => seen++);
    const error = Object.assign(new Error('x'.repeat(2_000_000)), { stack: undefined });
    for (let times = 0; times < 100; times++) {
      observer.observe({ type: 'unknown-job', job: `X${String(times)}`, key: '', error });
    }
    expect(seen).toBe(100);
    observer.complete();
  });
});
