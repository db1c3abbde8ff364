import { describe, expect, inject, it, vi } from 'vitest';
import type { AsyncCacheOptions } from 'nestjs-async-cache';
import type { ShownKey } from '../../lib/dashboard/key-browser.js';
import { startRedis } from '../support/redis-server.js';
import { startDashboardApp } from './support/dashboard-app.js';

const url = new URL(inject('redisUrl'));
const connection = { host: url.hostname, port: Number(url.port) };
const onRedis = (): AsyncCacheOptions => ({
  connection,
  storeTimeout: '30s',
  prefix: `dashboard-${String(Math.random())}`,
});

interface Found {
  keys: string[];
  cursor: string;
  looked: number;
}

describe.each<[string, () => AsyncCacheOptions]>([
  ['in memory', () => ({})],
  ['on Redis', onRedis],
])('the key browser, %s', (_, options) => {
  const start = async () => {
    const started = await startDashboardApp({ options: options() });
    // What is read before Redis is connected is not stored.
    await vi.waitFor(() => started.cache.of(started.shop, 'price').delete('nothing'));
    const find = async (prefix = '', cursor = '', job = 'Shop.price'): Promise<Found> => {
      const query = new URLSearchParams({ job, prefix, cursor });
      return (await (await started.ask('read', `/keys?${String(query)}`)).json()) as Found;
    };
    /** All pages: other tests' keys on the same Redis may take some of them up. */
    const findAll = async (prefix = '', job?: string): Promise<string[]> => {
      const keys: string[] = [];
      for (let cursor: string | undefined; cursor !== '';) {
        const page = await find(prefix, cursor, job);
        keys.push(...page.keys);
        cursor = page.cursor;
      }
      return keys.sort();
    };
    const show = async (role: string, key: string): Promise<ShownKey> =>
      (
        await started.ask(role, `/key?${String(new URLSearchParams({ job: 'Shop.price', key }))}`)
      ).json() as Promise<ShownKey>;
    return { ...started, find, findAll, show };
  };

  it('finds keys by job and by the beginning of the arguments', async () => {
    const { shop, findAll } = await start();
    for (const article of ['tea', 'teapot', 'coffee']) await shop.price(article);
    await shop.stock('TEA');
    expect(await findAll()).toEqual(['Shop.price:"coffee"', 'Shop.price:"tea"', 'Shop.price:"teapot"']);
    expect(await findAll('te')).toEqual(['Shop.price:"tea"', 'Shop.price:"teapot"']);
    expect(await findAll('"tea"')).toEqual(['Shop.price:"tea"']);
    expect(await findAll('x*')).toEqual([]);
    expect(await findAll('', 'Shop.stock')).toEqual(['Shop.stock:"tea"']);
  });

  it('finds many keys page by page', async () => {
    const { cache, shop, find } = await start();
    const price = cache.of(shop, 'price');
    const all = Array.from({ length: 330 }, (_, index) => `article ${String(index)}`);
    await price.warm(all.map((article) => [article]));
    const keys = new Set<string>();
    let pages = 0;
    for (let cursor: string | undefined; cursor !== ''; pages++) {
      const page = await find('', cursor);
      for (const key of page.keys) keys.add(key);
      cursor = page.cursor;
    }
    expect(keys.size).toBe(330);
  });

  it('shows a key, and its value only to whoever may write', async () => {
    const { shop, show } = await start();
    await shop.price('tea');
    const forWriter = await show('write', 'Shop.price:"tea"');
    expect(forWriter).toMatchObject({
      explanation: { status: 'fresh', text: expect.stringContaining('fresh until') },
      isRefreshable: true,
      value: { text: "{ article: 'tea', euros: 1 }", isCut: false },
    });
    const forReader = await show('read', 'Shop.price:"tea"');
    expect(forReader.explanation.status).toBe('fresh');
    expect(forReader).not.toHaveProperty('value');
    expect(shop.prices).toBe(1);
  });

  it('shows keys and values with HTML and control characters as data', async () => {
    const { shop, findAll, show } = await start();
    const article = '<script>alert(1)</script>\u0000\r\n"';
    await shop.price(article);
    const keys = await findAll('<script');
    // A key that begins with an angle bracket would be one with a context, so the quote has to be written.
    expect(keys).toEqual([]);
    const [key] = await findAll('"<script');
    expect(key).toBe(`Shop.price:${JSON.stringify(article)}`);
    expect((await show('write', key!)).value!.text).toContain('<script>');
  });

  it('cuts a value of 10 MB, and says so', async () => {
    const { cache, shop, show } = await start();
    const large = { article: 'x'.repeat(10_000_000), euros: 1 };
    // On a busy machine the first connection may take longer than a write waits for it.
    await expect
      .poll(() =>
        cache
          .of(shop, 'price')
          .set(['large'], large)
          .then(() => 'stored'),
      )
      .toBe('stored');
    const { value } = await show('write', 'Shop.price:"large"');
    expect(value!.isCut).toBe(true);
    expect(value!.text.length).toBeLessThan(25_000);
  });

  it('a key that is not there is absent', async () => {
    const { show } = await start();
    expect(await show('write', 'Shop.price:"nothing"')).toMatchObject({ explanation: { status: 'absent' } });
    expect(await show('write', 'Shop.price:\u0000<b>')).toMatchObject({ explanation: { status: 'absent' } });
  });

  it.each([
    ['an unknown job', { job: 'Nobody', prefix: '', cursor: '' }, 404],
    ['no job', {}, 404],
    ['a job with the name of a member of objects', { job: '__proto__' }, 404],
    ['a wrong cursor', { job: 'Shop.price', cursor: '../1' }, 400],
    ['a cursor beyond the end', { job: 'Shop.price', cursor: '99999999999999999999' }, 200],
    ['a long prefix', { job: 'Shop.price', prefix: 'x'.repeat(3_000) }, 400],
  ])('%s is a clear answer', async (_, query, status) => {
    const { ask } = await start();
    expect((await ask('read', `/keys?${String(new URLSearchParams(query as Record<string, string>))}`)).status).toBe(
      status,
    );
  });

  it('tells the jobs with their options in words', async () => {
    const { ask } = await start();
    expect(await (await ask('read', '/jobs')).json()).toEqual([
      {
        name: 'Shop.price',
        prefix: 'Shop.price:',
        words: ['Fresh for 1m, served stale for 1d more, refreshed within 1m.'],
      },
      {
        name: 'Shop.stock',
        prefix: 'Shop.stock:',
        words: [
          'Fresh for 5m, served stale for 1d more, refreshed within 1m.',
          'Expiry is spread over 10 % of the fresh period.',
          'The key is made by key().',
        ],
      },
    ]);
  });
});

it('a store that cannot list its keys says so', async () => {
  const { ask } = await startDashboardApp({ options: { stores: [] } });
  const answer = await ask('read', '/keys?job=Shop.price&prefix=&cursor=');
  expect([answer.status, await answer.json()]).toEqual([501, { error: 'The store of this job cannot list its keys.' }]);
});

it('while Redis is away, calls are answered with what to do, and nothing of the connection', async () => {
  const redis = await startRedis();
  const options = { connection: { host: '127.0.0.1', port: redis.port }, prefix: 'away', near: false as const };
  const { ask, write } = await startDashboardApp({ options });
  await expect.poll(async () => (await ask('read', '/keys?job=Shop.price')).status).toBe(200);
  await redis.stop();
  const answers = await Promise.all([
    ask('read', '/keys?job=Shop.price'),
    write('delete', { job: 'Shop.price', key: 'Shop.price:"tea"' }),
  ]);
  for (const answer of answers) {
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ error: 'The store does not answer. Try again.' });
  }
  expect((await ask('read', '')).status).toBe(200);
});
