import { request } from 'node:http';
import { Module } from '@nestjs/common';
import { AsyncCacheDashboardModule } from 'nestjs-async-cache/dashboard';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startFailure } from '../nest/support/start-app.js';
import { byRole, type Platform, Shop, startDashboardApp } from './support/dashboard-app.js';

const platforms: Platform[] = ['Express', 'Fastify'];
const PLACES = ['', '/', '/page.js', '/stream', '/session', '/jobs', '/keys', '/key', '/refresh', '/nothing'];

/** As it is, without the tidying of `fetch`. */
function statusOf(url: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    request({ hostname, port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe.each(platforms)('on %s', (platform) => {
  it('a stranger gets the 404 of a path that does not exist, whatever the path', async () => {
    const { url, ask } = await startDashboardApp({ platform });
    const unknown = await fetch(`${url}/other-path`);
    const expected = (await unknown.text()).replaceAll('/other-path', '');
    const shape = [...unknown.headers.keys()].sort();
    for (const place of PLACES) {
      for (const method of ['GET', 'POST']) {
        const answer = await ask('stranger', place, { method });
        const text = (await answer.text()).replaceAll(`/async-cache${place}`, '').replaceAll('POST', 'GET');
        expect({ place, status: answer.status, text, shape: [...answer.headers.keys()].sort() }).toEqual({
          place,
          status: 404,
          text: expected,
          shape,
        });
      }
    }
  });

  it('and a body that cannot be read gives nothing away', async () => {
    const { ask } = await startDashboardApp({ platform });
    const init = { method: 'POST', body: '{', headers: { 'content-type': 'text/plain' } };
    expect((await ask('stranger', '/refresh', init)).status).toBe(404);
  });

  it('a reader gets the page and its files, with a strict policy', async () => {
    const { ask } = await startDashboardApp({ platform });
    const page = await ask('read', '');
    expect(page.status).toBe(200);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'nonce-[\w+/=]+'; style-src 'nonce-/);
    expect(policy).not.toContain('unsafe');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await page.text()).toContain('<script type="module" src="async-cache/page.js"');
    expect(await (await ask('read', '/')).text()).toContain('src="page.js"');
    for (const [place, type] of [
      ['/page.js', 'text/javascript'],
      ['/page.css', 'text/css'],
      ['/icon.svg', 'image/svg'],
    ]) {
      const file = await ask('read', place!);
      expect([place, file.status, file.headers.get('content-type')]).toEqual([
        place,
        200,
        expect.stringContaining(type!),
      ]);
      expect(file.headers.get('cache-control')).toBe('no-store');
    }
    expect((await ask('read', '', { method: 'HEAD' })).status).toBe(200);
  });

  it('two pages have two nonces', async () => {
    const { ask } = await startDashboardApp({ platform });
    const policies = await Promise.all([ask('read', ''), ask('read', '')]);
    expect(new Set(policies.map(({ headers }) => headers.get('content-security-policy'))).size).toBe(2);
  });

  it.each([
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/page.js',
    '/page.js/../../x',
    '//page.js',
    '/assets/page.js',
  ])('the path %s is no page', async (place) => {
    const { url } = await startDashboardApp({ platform });
    expect(await statusOf(url, `/async-cache${place}`, { 'x-role': 'write' })).toBe(404);
  });

  it('a guard that throws, or answers nonsense, keeps everybody out and is reported', async () => {
    const guard = (request: { headers: { 'x-role'?: string } }): 'read' => {
      if (request.headers['x-role'] === 'odd') return true as unknown as 'read';
      throw new Error('no session');
    };
    const { ask, log } = await startDashboardApp({ platform, dashboard: AsyncCacheDashboardModule.forRoot({ guard }) });
    expect((await ask('even', '')).status).toBe(404);
    expect((await ask('odd', '')).status).toBe(404);
    const lines = log.lines.filter(({ context }) => context === 'AsyncCacheDashboard').map(({ text }) => text);
    expect(lines).toEqual([
      'The guard of the dashboard failed, so the request was turned away: Error: no session',
      'The guard of the dashboard answered boolean, so the request was turned away',
    ]);
  });

  it('a guard may take its time, and the path may be another one', async () => {
    const guard = async (): Promise<'read'> => {
      await new Promise((resolve) => setImmediate(resolve));
      return 'read';
    };
    const { url } = await startDashboardApp({ platform, dashboard: { path: '/admin/cache', guard } });
    const page = await fetch(`${url}/admin/cache`);
    expect(await page.text()).toContain('src="cache/page.js"');
    expect((await fetch(`${url}/admin/cache/jobs`)).status).toBe(200);
    expect((await fetch(`${url}/admin/cachejobs`)).status).toBe(404);
    expect((await fetch(`${url}/async-cache`)).status).toBe(404);
  });

  describe('a write', () => {
    const PRICE = { job: 'Shop.price', key: 'Shop.price:"tea"' };

    it('is done for whoever may write, with a token, from the same origin', async () => {
      const { write, shop, cache } = await startDashboardApp({ platform });
      await shop.price('tea');
      expect(await (await write('refresh', PRICE)).json()).toEqual({ done: 'refresh' });
      expect(await shop.price('tea')).toEqual({ article: 'tea', euros: 2 });
      expect((await write('delete', PRICE)).status).toBe(200);
      expect(await cache.of(shop, 'price').peek('tea')).toBeUndefined();
      await shop.price('tea');
      expect((await write('invalidate', PRICE)).status).toBe(200);
      await expect.poll(() => shop.prices).toBe(4);
    });

    it('is done while the clock of the host is days off', async () => {
      const { ask, write, shop } = await startDashboardApp({ platform });
      const { token } = (await (await ask('write', '/session')).json()) as { token: string };
      onTestFinished(() => void vi.useRealTimers());
      for (const days of [-400, 400]) {
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 });
        const answer = await write('refresh', PRICE, { 'x-async-cache-token': token });
        vi.useRealTimers();
        expect(answer.status).toBe(200);
      }
      expect(shop.prices).toBe(2);
    });

    it.each<[string, Record<string, string>, number, RegExp]>([
      ['without a token', { 'x-async-cache-token': '' }, 403, /token/],
      ['with a forged token', { 'x-async-cache-token': 'bm9uY2Vub25j.c2lnbmF0dXJl' }, 403, /token/],
      ['with a nonsense token', { 'x-async-cache-token': '..\u00ff' }, 403, /token/],
      ['from another origin', { origin: 'https://evil.example' }, 403, /another site/],
      ['from the origin null', { origin: 'null' }, 403, /another site/],
      ['from another site', { 'sec-fetch-site': 'cross-site' }, 403, /another site/],
      ['from a sibling domain', { 'sec-fetch-site': 'same-site' }, 403, /another site/],
      ['of somebody who may only read', { 'x-role': 'read' }, 403, /only look/],
      ['as a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415, /application\/json/],
    ])('%s is refused', async (_, headers, status, message) => {
      const { write, shop } = await startDashboardApp({ platform });
      await shop.price('tea');
      const answer = await write('refresh', PRICE, headers);
      expect(answer.status).toBe(status);
      expect(((await answer.json()) as { error: string }).error).toMatch(message);
      expect(shop.prices).toBe(1);
    });

    it('says what a proxy must let pass, where it strips the headers', async () => {
      const { ask, shop } = await startDashboardApp({ platform });
      const { token } = (await (await ask('write', '/session')).json()) as { token: string };
      const headers = { 'content-type': 'application/json', 'x-async-cache-token': token };
      const answer = await ask('write', '/refresh', { method: 'POST', body: JSON.stringify(PRICE), headers });
      // fetch of Node sends `sec-fetch-mode` alone.
      expect(answer.status).toBe(403);
      expect(await answer.json()).toEqual({ error: expect.stringContaining('Origin and Sec-Fetch-Site') });
      expect(shop.prices).toBe(0);
    });

    it('is possible behind a proxy that replaces Host', async () => {
      const { write } = await startDashboardApp({ platform });
      const headers = { origin: 'https://shop.example', 'sec-fetch-site': 'same-origin' };
      expect((await write('refresh', PRICE, headers)).status).toBe(200);
    });

    it('by GET is refused', async () => {
      const { ask, shop } = await startDashboardApp({ platform });
      const answer = await ask('write', '/refresh?job=Shop.price&key=x');
      expect([answer.status, answer.headers.get('allow'), shop.prices]).toEqual([405, 'POST', 0]);
      expect((await ask('read', '/jobs', { method: 'POST' })).status).toBe(405);
    });

    it.each<[string, unknown, number]>([
      ['a job that does not exist', { job: 'Nobody', key: 'Nobody:' }, 404],
      ['a key of another job', { job: 'Shop.price', key: 'Shop.stock:"tea"' }, 404],
      ['no key', { job: 'Shop.price' }, 404],
      ['a key that is too long', { job: 'Shop.price', key: `Shop.price:"${'x'.repeat(5_000)}"` }, 404],
      ['a list', [], 400],
      ['a key that does not hold its arguments', { job: 'Shop.stock', key: 'Shop.stock:"tea"' }, 409],
    ])('of %s is a clear answer', async (_, body, status) => {
      const { write } = await startDashboardApp({ platform });
      const answer = await write('refresh', body);
      expect(answer.status).toBe(status);
      expect(await answer.json()).toEqual({ error: expect.any(String) });
    });

    it('with a body that is no JSON, or too long', async () => {
      const { ask } = await startDashboardApp({ platform });
      const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
      const { token } = (await (await ask('write', '/session')).json()) as { token: string };
      const post = (body: string): Promise<Response> =>
        ask('write', '/refresh', { method: 'POST', body, headers: { ...headers, 'x-async-cache-token': token } });
      expect((await post('{')).status).toBe(400);
      expect((await post(JSON.stringify({ job: 'x'.repeat(200_000) }))).status).toBe(413);
    });
  });
});

describe('without a guard', () => {
  const withEnvironment = (value: string | undefined): void => {
    vi.stubEnv('NODE_ENV', value);
  };
  const parts = { imports: [AsyncCacheDashboardModule.forRoot()] };

  it.each(['production', 'staging', '', undefined])('it refuses to start with NODE_ENV %s', async (environment) => {
    withEnvironment(environment);
    const failure = await startFailure(parts);
    expect(failure.message).toContain('The dashboard has no guard');
    expect(failure.message).toContain('NODE_ENV development or test');
  });

  it('forRootAsync refuses as well', async () => {
    withEnvironment('production');
    const failure = await startFailure({
      imports: [AsyncCacheDashboardModule.forRootAsync({ useFactory: () => ({}) })],
    });
    expect(failure.message).toContain('The dashboard has no guard');
  });

  it.each(['development', 'test'])('everybody may read with NODE_ENV %s, and nobody may write', async (environment) => {
    withEnvironment(environment);
    const { ask, write } = await startDashboardApp({ dashboard: {} });
    expect(await (await ask('', '/session')).json()).toEqual({ access: 'read', token: null });
    expect((await write('delete', { job: 'Shop.price', key: 'Shop.price:"tea"' })).status).toBe(403);
  });

  it.each(['', 'cache', '/', '/cache/', '/a/../b', '/a b', '/:id', '/a/*', 7])(
    'the path %s is refused',
    async (path) => {
      const imports = [AsyncCacheDashboardModule.forRoot({ path: path as string, guard: byRole })];
      expect((await startFailure({ imports })).message).toMatch(/has the path .* Give one like/);
    },
  );

  it('a guard that is no function is refused', async () => {
    const imports = [AsyncCacheDashboardModule.forRoot({ guard: 'admin' as unknown as typeof byRole })];
    expect((await startFailure({ imports })).message).toContain('guard of the dashboard is no function');
  });
});

it('forRootAsync takes its guard from other providers', async () => {
  @Module({ providers: [{ provide: 'ROLES', useValue: byRole }], exports: ['ROLES'] })
  class RolesModule {}
  const dashboard = AsyncCacheDashboardModule.forRootAsync({
    imports: [RolesModule],
    inject: ['ROLES'],
    useFactory: (guard: typeof byRole) => ({ guard }),
  });
  const { ask } = await startDashboardApp({ dashboard });
  expect([(await ask('read', '')).status, (await ask('none', '')).status]).toEqual([200, 404]);
  expect(Shop.name).toBe('Shop');
});
