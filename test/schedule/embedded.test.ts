import { Injectable } from '@nestjs/common';
import { AsyncCached } from 'nestjs-async-cache';
import { describe, expect, it } from 'vitest';
import { MINUTE, startApp } from '../nest/support/start-app.js';

const fetched: string[] = [];

@Injectable()
class Prices {
  lists: () => Promise<readonly [string][]> = async () => [['tea'], ['cake']];

  @AsyncCached({
    ttl: '1h',
    refreshEvery: { every: '1m', args: function (this: Prices) { return this.lists(); } },
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
