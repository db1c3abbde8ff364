import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { AsyncCacheModule } from 'nestjs-async-cache';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import type { FleetUpdate } from '../../lib/dashboard/fleet-tick.js';
import type { FleetView } from '../../lib/dashboard/fleet-view.js';
import { serverSentEvent, Viewers } from '../../lib/dashboard/viewers.js';
import type { AsyncCacheRuntime } from '../../lib/nest/async-cache-runtime.js';
import { RUNTIME } from '../../lib/nest/tokens.js';
import { Test } from '@nestjs/testing';
import { startRedis } from '../support/redis-server.js';
import { type DashboardApp, type Platform, Shop, startDashboardApp } from './support/dashboard-app.js';

interface Received {
  type: string;
  data: FleetUpdate & FleetView['past'];
}

/** An open page: what it was told. */
async function open({ ask }: Pick<DashboardApp, 'ask'>, role = 'read') {
  const leave = new AbortController();
  const response = await ask(role, '/stream', { signal: leave.signal });
  const events: Received[] = [];
  const reading = (async () => {
    let text = '';
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
        if (type !== undefined) events.push({ type, data: JSON.parse(data!) as Received['data'] });
      }
    }
  })().catch(() => undefined);
  onTestFinished(() => leave.abort());
  const updates = () => events.filter(({ type }) => type === 'update').map(({ data }) => data);
  return { response, events, updates, reading, leave: () => leave.abort() };
}

const runtimeOf = ({ app }: DashboardApp) => app.get<AsyncCacheRuntime>(RUNTIME, { strict: false });

const url = new URL(inject('redisUrl'));
const connection = { host: url.hostname, port: Number(url.port) };

describe.each<Platform>(['Express', 'Fastify'])('on %s', (platform) => {
  it('an open page is told what happens', async () => {
    const started = await startDashboardApp({ platform });
    const page = await open(started);
    expect(page.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(page.response.headers.get('cache-control')).toContain('no-store');
    await expect.poll(() => page.updates().length).toBeGreaterThan(0);
    await started.shop.price('tea');
    await started.shop.price('tea');
    const told = () => page.updates().flatMap(({ events }) => events.map(({ type }) => type));
    await expect.poll(told).toEqual(['fetched', 'stored']);
    const sum = (index: number): number =>
      page.updates().reduce((total, { jobs }) => total + (jobs['Shop.price']?.[index] ?? 0), 0);
    await expect.poll(() => Math.round(sum(0) * 10)).toBeGreaterThan(0);
    expect(sum(2)).toBeGreaterThan(0);
    expect(page.updates().some(({ p99 }) => p99 !== null)).toBe(true);
    expect(page.updates().at(-1)).toMatchObject({
      stores: { main: true },
      queue: { waiting: 0 },
      processes: [{ pid: process.pid, here: true, works: true }],
    });
  });

  it('a page that opens later gets what the others have seen', async () => {
    const started = await startDashboardApp({ platform });
    const first = await open(started);
    await expect.poll(() => first.updates().length).toBeGreaterThan(1);
    const second = await open(started);
    await expect.poll(() => second.events.length).toBeGreaterThan(0);
    expect(second.events[0]!.type).toBe('past');
    expect(second.events[0]!.data.ticks.length).toBeGreaterThan(0);
  });

  it('the application closes while a page is open', async () => {
    const started = await startDashboardApp({ platform });
    const page = await open(started);
    await started.app.close();
    await page.reading;
  });
});

it('100 pages share one look a second, and the 201st is refused', async () => {
  const started = await startDashboardApp();
  const looks = vi.spyOn(runtimeOf(started).cache, 'health');
  const pages = await Promise.all(Array.from({ length: 100 }, () => open(started)));
  await expect.poll(() => pages.every((page) => page.updates().length >= 2)).toBe(true);
  expect(looks.mock.calls.length).toBeLessThanOrEqual(Math.max(...pages.map((page) => page.updates().length)) + 2);
  const more = await Promise.all(Array.from({ length: 100 }, () => open(started)));
  expect(more.every(({ response }) => response.status === 200)).toBe(true);
  const refused = await started.ask('read', '/stream');
  expect([refused.status, await refused.json()]).toEqual([503, { error: 'Too many pages are open. Close one.' }]);
});

it('nothing is watched before the first page, and after the last', async () => {
  const started = await startDashboardApp();
  const runtime = runtimeOf(started);
  expect(runtime.observer.active).toBe(false);
  const page = await open(started);
  await expect.poll(() => runtime.observer.active).toBe(true);
  page.leave();
  await expect.poll(() => runtime.observer.active).toBe(false);
});

describe('a page that never reads its stream', () => {
  const TEXT = serverSentEvent('update', 'x'.repeat(100_000));

  async function serve(): Promise<{ viewers: Viewers; socket: Socket; response: ServerResponse }> {
    const viewers = new Viewers(() => undefined);
    const server = createServer((_, response) => {
      viewers.add(response, '');
      served(response);
    });
    let served: (response: ServerResponse) => void = () => undefined;
    const serving = new Promise<ServerResponse>((resolve) => (served = resolve));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    onTestFinished(() => {
      viewers.close();
      socket.destroy();
      server.close();
    });
    return { viewers, socket, response: await serving };
  }

  it('is dropped, and what waited for it was bounded', async () => {
    const { viewers, socket, response } = await serve();
    socket.pause();
    let most = 0;
    for (let sent = 0; sent < 500 && viewers.size > 0; sent++) {
      viewers.send(TEXT);
      most = Math.max(most, response.writableLength);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(viewers.size).toBe(0);
    expect(most).toBeLessThan(500_000);
  });

  it('while one that reads is not: the control', async () => {
    const { viewers, socket } = await serve();
    socket.resume();
    for (let sent = 0; sent < 100; sent++) {
      viewers.send(TEXT);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(viewers.size).toBe(1);
  });
});

describe('on Redis', () => {
  const other = async (prefix: string) => {
    const compiled = await Test.createTestingModule({
      imports: [AsyncCacheModule.forRoot({ connection, prefix, worker: false })],
      providers: [Shop],
    }).compile();
    await compiled.init();
    onTestFinished(() => compiled.close());
    return compiled.get(Shop);
  };

  it('the page sees the other processes of the application, and those of no other', async () => {
    const prefix = `fleet-${String(Math.random())}`;
    const shop = await other(prefix);
    await other(`${prefix}-neighbour`);
    const started = await startDashboardApp({ options: { connection, prefix } });
    const page = await open(started);
    await expect.poll(() => page.updates().at(-1)?.processes.length).toBe(2);
    await shop.price('tea');
    for (let read = 0; read < 10; read++) await shop.price('tea');
    await expect.poll(() => page.updates().some(({ jobs }) => (jobs['Shop.price']?.[0] ?? 0) > 5)).toBe(true);
    expect(
      page
        .updates()
        .at(-1)!
        .processes.map(({ works }) => works),
    ).toEqual(expect.arrayContaining([true, false]));
    const told = page.updates().flatMap(({ events }) => events.map(({ type }) => type));
    expect(told).toContain('stored');
    page.leave();
  });

  it('a token of one process is accepted by another', async () => {
    const options = { connection, prefix: `tokens-${String(Math.random())}` };
    const [one, two] = await Promise.all([startDashboardApp({ options }), startDashboardApp({ options })]);
    const { token } = (await (await one.ask('write', '/session')).json()) as { token: string };
    const key = { job: 'Shop.price', key: 'Shop.price:"tea"' };
    expect((await two.write('delete', key, { 'x-async-cache-token': token })).status).toBe(200);
    const apart = await startDashboardApp({ options: { connection, prefix: `tokens-${String(Math.random())}` } });
    expect((await apart.write('delete', key, { 'x-async-cache-token': token })).status).toBe(403);
  });

  it('when Redis goes, an open page is told, and sees its own process', async () => {
    const redis = await startRedis();
    const options = { connection: { host: '127.0.0.1', port: redis.port }, near: false as const };
    const started = await startDashboardApp({ options });
    const page = await open(started);
    await expect.poll(() => page.updates().at(-1)?.stores).toEqual({ main: true });
    await redis.stop();
    await expect.poll(() => page.updates().at(-1)?.problem).toContain('The store does not answer');
    expect(page.updates().at(-1)).toMatchObject({ stores: { main: false }, processes: [{ here: true }] });
  });
});
