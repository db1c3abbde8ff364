import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeRefreshQueue } from '../../lib/testing/refresh-queue-contract.js';
import { describeStore } from '../../lib/testing/store-contract.js';
import { startRefreshApp } from '../bullmq/refresh-app.js';
import { describeCases } from '../cases/describe-cases.js';
import { openNearStore } from '../near/open-near-store.js';
import { openRedisStore } from '../support/open-redis-store.js';
import { type RedisWithSentinels, startRedisWithSentinels } from './sentinel.js';

const framework = { afterEach, beforeEach, describe, expect, it };
const capabilities = { shared: true, fence: 'cluster' } as const;
const advance = (ms: number): Promise<void> => sleep(ms + 2);
/** Milliseconds. The sentinels need a second or two to agree. */
const FAILOVER = 10_000;

let redis: RedisWithSentinels;
/** Connected before the failover, it has switched to the new master by itself. */
let survivor: Redis;
beforeAll(async () => {
  redis = await startRedisWithSentinels();
  // BullMQ insists on the first option.
  survivor = new Redis({
    ...redis.connection,
    maxRetriesPerRequest: null,
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  });
  survivor.on('error', () => undefined);
  await survivor.set('written', 'before the failover');
  await survivor.wait(1, 5_000);
  await redis.master.kill();
  await vi.waitFor(async () => expect((await survivor.role())[0]).toBe('master'), FAILOVER);
  // For a moment the sentinels still name the former master to clients that connect now.
  await vi.waitFor(async () => expect(await roleForNewcomer()).toBe('master'), FAILOVER);
}, 60_000);
afterAll(async () => {
  survivor.disconnect();
  await redis.stop();
});

async function roleForNewcomer(): Promise<unknown> {
  const newcomer = new Redis({
    ...redis.connection,
    lazyConnect: true,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
  });
  newcomer.on('error', () => undefined);
  try {
    await newcomer.connect();
    return (await newcomer.role())[0];
  } finally {
    newcomer.disconnect();
  }
}

it('the former replica is the master, and has what the former master had', async () => {
  const direct = new Redis(redis.replica.url);
  try {
    expect((await direct.role())[0]).toBe('master');
    expect(await direct.get('written')).toBe('before the failover');
  } finally {
    direct.disconnect();
  }
});

describeStore(
  'RedisStore after a failover',
  {
    create: async () => {
      const { store } = openRedisStore(redis.connection);
      return { store, advance, close: () => store.close() };
    },
    capabilities,
  },
  framework,
);

describeStore(
  'NearStore after a failover',
  {
    create: async () => {
      const { near } = await openNearStore(redis.connection);
      return { store: near, advance, close: () => near.close() };
    },
    capabilities,
  },
  framework,
);

describe.each([
  ['', () => redis.connection],
  [', on a connection that went through it', () => survivor],
])('BullMQRefreshQueue after a failover%s', (_, connection) => {
  describeRefreshQueue(
    'as every queue',
    {
      create: async ({ concurrency }) => {
        const { app, queue } = await startRefreshApp({ connection: connection(), worker: { concurrency } });
        return { queue, close: () => app.close() };
      },
    },
    framework,
  );
});

describeCases('after a failover', {
  options: () => ({ connection: redis.connection, storeTimeout: '10s' }),
  time: 'real',
  shared: true,
});
