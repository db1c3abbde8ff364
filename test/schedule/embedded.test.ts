import { Injectable } from '@nestjs/common';
import { AsyncCached } from 'nestjs-async-cache';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileApp, MINUTE, startApp, startFailure } from '../nest/support/start-app.js';

const fetched: string[] = [];

@Injectable()
class Prices {
  lists: () => Promise<readonly [string][]> = async () => [['tea'], ['cake']];

  @AsyncCached({
    ttl: '1h',
    refreshEvery: {
      every: '1m',
      args: function (this: Prices) {
        return this.lists();
      },
    },
  })
  async ofProduct(product: string): Promise<string> {
    fetched.push(product);
    return product;
  }
}

@Injectable()
class FrontPage {
  @AsyncCached({ ttl: '10m', warmOnStart: () => [['tea'], ['cake']], batchSize: 2 })
  async ofProduct(product: string): Promise<string> {
    fetched.push(`warm ${product}`);
    return product;
  }
}

describe('refreshEvery, embedded', () => {
  it('fetches every list once in each period, fresh or not, and never between', async () => {
    fetched.length = 0;
    const { app, pass } = await startApp({ providers: [Prices] });
    await pass(MINUTE - 1);
    expect(fetched).toEqual([]);
    await pass(1);
    expect(fetched.sort()).toEqual(['cake', 'tea']);
    await pass(10 * MINUTE);
    expect(fetched).toHaveLength(22);
    expect(await app.get(Prices).ofProduct('tea')).toBe('tea');
    expect(fetched).toHaveLength(22);
  });

  it('asks for its lists each time; where they cannot be got it says so, and goes on', async () => {
    fetched.length = 0;
    const { app, pass, log } = await startApp({ providers: [Prices] });
    const prices = app.get(Prices);
    prices.lists = async () => [['milk']];
    await pass(MINUTE);
    expect(fetched).toEqual(['milk']);
    prices.lists = async () => {
      throw new Error('The list is away');
    };
    await pass(MINUTE);
    expect(fetched).toEqual(['milk']);
    expect(log.own('error').join()).toContain('The list is away');
    prices.lists = async () => [];
    await pass(MINUTE);
    prices.lists = async () => [['bread']];
    await pass(MINUTE);
    expect(fetched).toEqual(['milk', 'bread']);
  });

  it('ends when the application closes', async () => {
    fetched.length = 0;
    const { app, pass } = await startApp({ providers: [Prices] });
    await pass(MINUTE);
    await app.close();
    await pass(10 * MINUTE);
    expect(fetched).toHaveLength(2);
  });
});

describe('warmOnStart, embedded', () => {
  it('fetches what is not fresh, before anybody asks, and once', async () => {
    fetched.length = 0;
    const { app, pass } = await startApp({ providers: [FrontPage] });
    await pass(0);
    expect(fetched.sort()).toEqual(['warm cake', 'warm tea']);
    expect(await app.get(FrontPage).ofProduct('tea')).toBe('tea');
    await pass(5 * MINUTE);
    expect(fetched).toHaveLength(2);
  });
});

describe('refreshEvery with a cron pattern, embedded', () => {
  const NIGHT = { pattern: '0 3 * * *', tz: 'Europe/Vienna' };
  const HOUR = 60 * MINUTE;

  async function startNightly(now: string, refreshEvery: { pattern: string; tz: string } = NIGHT) {
    fetched.length = 0;
    @Injectable()
    class Nightly {
      @AsyncCached({ ttl: '1d', refreshEvery })
      async report(): Promise<string> {
        fetched.push('report');
        return 'report';
      }
    }
    const compiled = await compileApp({ providers: [Nightly] });
    const { app, pass, clock } = compiled;
    await pass(Date.parse(now) - clock.now());
    await app.init();
    onTestFinished(() => app.close());
    return { ...compiled, fetchedAfter: async (ms: number) => (await pass(ms), fetched.splice(0).length) };
  }

  it.each([
    ['in winter', '2027-01-15T00:00:00Z', '2027-01-15T02:00:00Z'],
    ['in summer', '2027-07-15T00:00:00Z', '2027-07-15T01:00:00Z'],
  ])('runs at three in the morning of its time zone %s', async (_, start, due) => {
    const { fetchedAfter } = await startNightly(start);
    expect(await fetchedAfter(Date.parse(due) - Date.parse(start) - 1)).toBe(0);
    expect(await fetchedAfter(1)).toBe(1);
    expect(await fetchedAfter(24 * HOUR - 1)).toBe(0);
    expect(await fetchedAfter(1)).toBe(1);
  });

  it('keeps the local time over a change to summer time: 23 hours pass', async () => {
    const { fetchedAfter } = await startNightly('2027-03-27T01:30:00Z');
    expect(await fetchedAfter(HOUR / 2)).toBe(1);
    expect(await fetchedAfter(23 * HOUR - 1)).toBe(0);
    expect(await fetchedAfter(1)).toBe(1);
  });

  it('waits longer than a timer of the host can', async () => {
    const { fetchedAfter } = await startNightly('2027-01-01T12:00:00Z', { pattern: '0 0 1 1 *', tz: 'UTC' });
    expect(await fetchedAfter(300 * 24 * HOUR)).toBe(0);
    expect(await fetchedAfter(65 * 24 * HOUR)).toBe(1);
  });

  it.each([
    ['a wrong pattern', { pattern: '61 3 * * *' }, "has the pattern '61 3 * * *', which cannot be read"],
    [
      'a wrong time zone',
      { pattern: '0 3 * * *', tz: 'Mars/Olympus' },
      "in the time zone 'Mars/Olympus', which cannot be read",
    ],
    [
      'a pattern beside a period',
      { pattern: '0 3 * * *', every: '1m' },
      'an object { every, args } or { pattern, tz, args }',
    ],
    ['neither', {}, 'an object { every, args } or { pattern, tz, args }'],
    ['a time zone beside a period', { every: '1m', tz: 'UTC' }, 'a time zone beside a pattern'],
    ['a pattern that is no text', { pattern: 3 }, "a cron pattern such as '0 3 * * *'"],
  ])('%s is an error at start-up that names the job', async (_, refreshEvery, text) => {
    @Injectable()
    class Wrong {
      @AsyncCached({ ttl: 60, refreshEvery: refreshEvery as never })
      async report(): Promise<string> {
        return '';
      }
    }
    const failure = await startFailure({ providers: [Wrong] });
    expect(failure.name).toBe('ConfigurationError');
    expect(failure.message).toContain('Wrong.report');
    expect(failure.message).toContain(text);
  });
});
