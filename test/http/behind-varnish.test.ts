import { join } from 'node:path';
import { beforeAll, describe, it, type TestContext } from 'vitest';
import { ensureDebianProgram } from '../support/ensure-debian-program.js';
import type { Platform } from './support/create-app.js';
import { type HttpCache, startHttpCache } from './support/http-cache.js';
import { type ProxiedApp, TTL } from './support/proxied-app.js';
import { startBehind } from './support/start-behind.js';

let varnishd: string;

beforeAll(() => {
  varnishd = ensureDebianProgram('varnishd', 'varnish');
});

/** Varnish with its own rules: it needs no configuration but the application's address. */
function varnishBefore(app: ProxiedApp): Promise<HttpCache> {
  return startHttpCache({
    program: varnishd,
    config: ({ folder, port }) => ({
      file: 'default.vcl',
      text: `vcl 4.1;
        backend default { .host = "127.0.0.1"; .port = "${String(app.port)}"; }
        sub vcl_deliver {
          if (obj.hits > 0) { set resp.http.x-cache = "HIT"; } else { set resp.http.x-cache = "MISS"; }
        }`,
      args: [
        ...['-j', 'none', '-F', '-n', join(folder, 'work'), '-a', `127.0.0.1:${String(port)}`],
        ...['-f', join(folder, 'default.vcl'), '-s', 'malloc,8m', '-p', 'workspace_backend=64k'],
      ],
    }),
  });
}

// At the same time, because they wait for a real clock most of their time.
describe.concurrent('behind Varnish', () => {
  /** Mostly on Express: each start of Varnish compiles its rules. */
  const start = (onTestFinished: TestContext['onTestFinished'], platform: Platform = 'Express') =>
    startBehind(varnishBefore, platform, onTestFinished);

  it('a public response is answered from its cache', async ({ expect, onTestFinished }) => {
    const { app, get } = await start(onTestFinished);
    expect(await get('long')).toMatchObject({ price: 1, cache: 'MISS' });
    expect(await get('long')).toMatchObject({ price: 1, cache: 'HIT' });
    expect(app.count('long')).toBe(1);
  });

  it('a private response is not stored: the control is the one before, which differs in its scope alone', async ({
    expect,
    onTestFinished,
  }) => {
    const { app, get } = await start(onTestFinished);
    await get('private');
    await get('private');
    expect(app.count('private')).toBe(2);
  });

  it('a stale response is answered at once, while the application is asked for a new one', async ({
    expect,
    onTestFinished,
  }) => {
    const { app, get } = await start(onTestFinished);
    await get('public');
    await app.setPrice(2);
    const release = app.block();
    await expect.poll(async () => ((await get('public')).price, app.count('public'))).toBe(2);
    // The application has been asked and has not answered.
    expect(await get('public')).toMatchObject({ price: 1, cache: 'HIT' });
    release();
    await expect.poll(() => get('public')).toMatchObject({ price: 2 });
  });

  it('and with no grace its reader waits for the application: the control', async ({ expect, onTestFinished }) => {
    const { app, get } = await start(onTestFinished);
    await get('never-stale');
    await app.setPrice(2);
    const prices: (number | undefined)[] = [];
    await expect.poll(async () => prices.push((await get('never-stale')).price) && app.count('never-stale')).toBe(2);
    // The request that reached the application is the one that got its answer.
    expect(prices.at(-1)).toBe(2);
  });

  it('while the application fails, a stale response is used for as long as stale-while-revalidate says', async ({
    expect,
    onTestFinished,
  }) => {
    const { app, get } = await start(onTestFinished);
    await get('public');
    await get('briefly-stale');
    app.fail(503);
    // The control: fresh for TTL, stale for TTL more.
    await expect.poll(() => get('briefly-stale')).toMatchObject({ status: 503 });
    expect(await get('public')).toMatchObject({ status: 200, price: 1 });
  });

  it('stale-if-error is not known to it, as the page says', async ({ expect, onTestFinished }) => {
    const { app, get } = await start(onTestFinished);
    expect(await get('stale-if-error')).toMatchObject({ status: 200 });
    app.fail(503);
    await expect.poll(() => get('stale-if-error')).toMatchObject({ status: 503 });
  });

  it.for([
    ['Express', true],
    ['Fastify', false],
  ] as const)(
    'a copy is revalidated where the platform gives an ETag: %s, %s',
    async (row, { expect, onTestFinished }) => {
      const [platform, hasETag] = row;
      const { app, get } = await start(onTestFinished, platform);
      await get('public');
      await expect.poll(async () => ((await get('public')).price, app.count('public'))).toBe(2);
      await expect.poll(() => app.seen[1]?.status()).toBe(hasETag ? 304 : 200);
      const [first, second] = app.seen;
      expect([first?.isConditional, second?.isConditional]).toEqual([false, hasETag]);
      expect(await get('public')).toMatchObject({ price: 1 });
    },
  );

  it('the age that a response had counts', async ({ expect, onTestFinished }) => {
    const { app, get } = await start(onTestFinished);
    await get('long');
    await app.pass(600 - 2 * TTL);
    const { age } = await get('long?again');
    expect(age).toBeGreaterThanOrEqual(600 - 2 * TTL);
    // It was four seconds from its end, so the application is asked again although it says `max-age=600`.
    await expect.poll(async () => (await get('long?again')) && app.count('long?again')).toBe(2);
  });
});
