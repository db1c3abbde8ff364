import { connect } from 'node:net';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { startRedis, type RedisServer } from './redis-server.js';

it('shares one Redis with the whole run', async () => {
  expect(await ask(inject('redisUrl'))).toBe('PONG');
});

describe('a Redis of its own', () => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(() => server.stop());

  it('starts on a port of its own and ends at stop', async () => {
    expect(await ask(server.url)).toBe('PONG');
    const { pid } = server;
    await server.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('comes back empty on the same port after kill and restart', async () => {
    await withClient(server.url, (redis) => redis.set('key', 'value'));
    const { pid, port } = server;
    await server.kill();
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await withClient(server.url, (redis) => redis.get('key'))).toBeNull();
  });

  it('accepts connections but answers nothing while frozen', async () => {
    server.freeze();
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('PING\r\n');
    const answer = once(socket, 'data').then(() => 'answered');
    const silence = new Promise((resolve) => setTimeout(resolve, 200, 'silent'));
    expect(await Promise.race([answer, silence])).toBe('silent');
    server.thaw();
    expect(await answer).toBe('answered');
    socket.destroy();
  });
});

async function ask(url: string): Promise<string> {
  return withClient(url, (redis) => redis.ping());
}

async function withClient<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
