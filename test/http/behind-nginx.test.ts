import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { beforeAll, describe, it, type TestContext } from 'vitest';
import { ensureDebianProgram } from '../support/ensure-debian-program.js';
import { type HttpCache, startHttpCache } from './support/http-cache.js';
import { type ProxiedApp, TTL } from './support/proxied-app.js';
import { startBehind } from './support/start-behind.js';

/** Each answer before the copy is too old is a hit, so that asking changes nothing. */
const POLL = { interval: 200 };

let nginx: string;
/** The lines of docs/http.md, which these tests run. */
let documented: string;

beforeAll(() => {
  nginx = ensureDebianProgram('nginx', 'nginx-light');
  const [, block = ''] = /^```nginx\n([^]*?)^```$/m.exec(readFileSync('docs/http.md', 'utf8')) ?? [];
  documented = block;
});

/** What nginx needs beside the documented lines to run from a folder, without rights and without touching the system. */
function nginxBefore(app: ProxiedApp, edit: (lines: string) => string): Promise<HttpCache> {
  return startHttpCache({
    program: nginx,
    config: ({ folder, port }) => {
      const lines = edit(documented)
        .replace('/var/cache/nginx', join(folder, 'cache'))
        .replace('127.0.0.1:3000', `127.0.0.1:${String(app.port)}`)
        .replace('listen 80', `listen 127.0.0.1:${String(port)}`);
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${join(folder, name)};`,
      );
      const text = `
        daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log stderr;
        ${process.getuid?.() === 0 ? 'user root;' : ''}
        events {}
        http { access_log off; ${temporary.join(' ')} ${lines} }`;
      return { file: 'nginx.conf', text, args: ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'] };
    },
  });
}

// At the same time, because they wait for a real clock most of their time.
describe.concurrent.each(['Express', 'Fastify'] as const)('behind nginx, on %s', (platform) => {
  const start = (onTestFinished: TestContext['onTestFinished'], edit = (lines: string) => lines) =>
    startBehind((app) => nginxBefore(app, edit), platform, onTestFinished);

  it('a public response is answered from its cache', async ({ expect, onTestFinished }) => {
    const { app, get } = await start(onTestFinished);
    expect(await get('long')).toMatchObject({ price: 1, cache: 'MISS' });
    expect(await get('long')).toMatchObject({ price: 1, cache: 'HIT' });
    expect(app.count('long')).toBe(1);
  });

  it('and without the interceptor each request reaches the application: the control', async ({
    expect,
    onTestFinished,
  }) => {
    const { app, get } = await start(onTestFinished);
    await get('no-interceptor');
    await get('no-interceptor');
    expect(app.count('no-interceptor')).toBe(2);
  });

  it('a private response is not stored', async ({ expect, onTestFinished }) => {
    const { app, get } = await start(onTestFinished);
    expect(await get('private')).toMatchObject({ price: 1, cache: 'MISS' });
    expect(await get('private')).toMatchObject({ price: 1, cache: 'MISS' });
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
    await expect.poll(async () => (await get('public')).cache, POLL).not.toBe('HIT');
    // The application has been asked and has not answered.
    await expect.poll(() => app.count('public')).toBe(2);
    expect(await get('public')).toMatchObject({ price: 1, cache: 'UPDATING' });
    release();
    await expect.poll(() => get('public')).toMatchObject({ price: 2, cache: 'HIT' });
  });

  it('the next request of a kept connection waits for the update that the former one began, as the page says', async ({
    expect,
    onTestFinished,
  }) => {
    const { app, get } = await start(onTestFinished);
    await get('public');
    await app.setPrice(2);
    const release = app.block();
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => {
      kept.destroy();
    });
    await expect.poll(async () => (await get('public', kept)).cache, POLL).toBe('STALE');
    let isAnswered = false;
    const next = get('public', kept).finally(() => (isAnswered = true));
    // Others are answered meanwhile.
    expect(await get('public')).toMatchObject({ price: 1, cache: 'UPDATING' });
    expect(isAnswered).toBe(false);
    release();
    expect(await next).toMatchObject({ price: 2 });
  });

  it('and with no grace its reader waits for the application: the control', async ({ expect, onTestFinished }) => {
    const { app, get } = await start(onTestFinished);
    await get('never-stale');
    await app.setPrice(2);
    await expect.poll(async () => (await get('never-stale')).cache).toBe('EXPIRED');
    expect((await get('never-stale')).price).toBe(2);
  });

  it('a stale response is not used for longer than it was told', async ({ expect, onTestFinished }) => {
    const { app, get } = await start(onTestFinished);
    await get('briefly-stale');
    await app.setPrice(2);
    app.fail(503);
    // Fresh for TTL, stale for TTL more, in which the application is asked in the background in vain.
    await expect.poll(async () => (await get('briefly-stale')).cache, POLL).not.toBe('HIT');
    await expect.poll(() => get('briefly-stale')).toMatchObject({ status: 503 });
    app.fail(undefined);
    expect(await get('briefly-stale')).toMatchObject({ price: 2 });
  });

  it('while the application does not answer, stale-if-error keeps the old response', async ({
    expect,
    onTestFinished,
  }) => {
    const { app, get } = await start(onTestFinished);
    await get('stale-if-error');
    await get('never-stale');
    app.fail('reset');
    // The control has the same ttl and no stale-if-error.
    await expect.poll(() => get('never-stale')).toMatchObject({ status: 502 });
    expect(await get('stale-if-error')).toMatchObject({ status: 200, price: 1, cache: 'STALE' });
    app.fail(undefined);
    expect(await get('stale-if-error')).toMatchObject({ status: 200, cache: expect.not.stringMatching('STALE') });
  });

  it('answers of 5xx count as failures only where nginx is told so, as the page says', async ({
    expect,
    onTestFinished,
  }) => {
    const { app, get } = await start(onTestFinished, (lines) =>
      lines.replace('proxy_cache app;', 'proxy_cache app; proxy_cache_use_stale http_503;'),
    );
    const other = await start(onTestFinished);
    await get('never-stale');
    await other.get('stale-if-error');
    app.fail(503);
    other.app.fail(503);
    await expect.poll(() => other.get('stale-if-error')).toMatchObject({ status: 503 });
    expect(await get('never-stale')).toMatchObject({ status: 200, price: 1, cache: 'STALE' });
  });

  it(`a copy is revalidated where the platform gives an ETag (${platform === 'Express' ? 'it does' : 'it does not'})`, async ({
    expect,
    onTestFinished,
  }) => {
    const { app, get } = await start(onTestFinished);
    await get('never-stale');
    await expect.poll(async () => (await get('never-stale')).cache).toMatch(/REVALIDATED|EXPIRED/);
    const [first, second] = app.seen;
    const isExpress = platform === 'Express';
    expect([first?.isConditional, first?.status()]).toEqual([false, 200]);
    expect([second?.isConditional, second?.status()]).toEqual(isExpress ? [true, 304] : [false, 200]);
    await expect.poll(() => get('never-stale')).toMatchObject({ price: 1, cache: 'HIT' });
  });

  it('the age that the response had is not counted, as the page says', async ({ expect, onTestFinished }) => {
    const { app, get } = await start(onTestFinished);
    await get('long');
    await app.pass(600 - TTL);
    // Another request for the same, whose response is two seconds from its end.
    expect(await get('long?again')).toMatchObject({ cache: 'MISS', age: 600 - TTL });
    const until = performance.now() + 2 * TTL * 1_000;
    await expect.poll(() => performance.now()).toBeGreaterThan(until);
    expect(await get('long?again')).toMatchObject({ cache: 'HIT', age: 600 - TTL });
  });
});
