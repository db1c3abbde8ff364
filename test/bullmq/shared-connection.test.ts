import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { startRedis } from '../support/redis-server.js';
import { requestOf, startRefreshApp } from './refresh-app.js';

it.each([false, {}] as const)('leaves nothing on a connection that it was given (worker: %o)', async (worker) => {
  const server = await startRedis();
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  connection.on('error', () => undefined);
  await connection.ping();
  const before = connection.listenerCount('error');
  for (let n = 0; n < 5; n++) {
    const { app, queue } = await startRefreshApp({ connection, worker });
    queue.process(async () => ({ kind: 'stored' }));
    await queue.request([requestOf('key')]);
    await app.close();
  }
  const after = connection.listenerCount('error');
  connection.disconnect();
  await server.stop();
  expect(after).toBe(before);
});

it('leaves a connection open that it was given, although Redis does not answer', async () => {
  const server = await startRedis();
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  connection.on('error', () => undefined);
  const { app, queue } = await startRefreshApp({ connection });
  queue.process(async () => ({ kind: 'stored' }));
  await queue.request([requestOf('key')]);
  server.freeze();
  await app.close();
  server.thaw();
  const status = connection.status;
  connection.disconnect();
  await server.stop();
  expect(status).toBe('ready');
});

it('leaves a connection open that it was given, although Redis is gone', async () => {
  const server = await startRedis();
  const connection = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  connection.on('error', () => undefined);
  const { app, queue } = await startRefreshApp({ connection });
  queue.process(async () => ({ kind: 'stored' }));
  await queue.request([requestOf('key')]);
  await server.kill();
  await app.close();
  await server.restart();
  const answer = await Promise.race([
    connection.ping().catch(String),
    new Promise((resolve) => setTimeout(resolve, 5_000, connection.status)),
  ]);
  connection.disconnect();
  await server.stop();
  expect(answer).toBe('PONG');
}, 20_000);
