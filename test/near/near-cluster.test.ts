import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeStore } from '../../lib/testing/store-contract.js';
import { StoreUser } from '../../lib/testing/store-user.js';
import { type RedisCluster, startRedisCluster } from '../redis/redis-cluster.js';
import { openRedisStore } from '../support/open-redis-store.js';
import { openNearStore } from './open-near-store.js';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
}, 60_000);
afterAll(() => cluster.stop());

describeStore(
  'NearStore on a Cluster',
  {
    create: async () => {
      const { near } = await openNearStore(cluster.connect());
      return { store: near, advance: (ms) => sleep(ms + 2), close: () => near.close() };
    },
    capabilities: { shared: true, fence: 'cluster' },
  },
  { afterEach, beforeEach, describe, expect, it },
);

it('a write by another process on any of the servers is reported', async () => {
  const { near, prefix } = await openNearStore(cluster.connect());
  const { store } = openRedisStore(cluster.connect(), { prefix });
  const parts = { advance: sleep, close: async (): Promise<void> => undefined };
  const [own, other] = [near, store].map((each) => new StoreUser({ store: each, ...parts })) as [StoreUser, StoreUser];
  const keys = Array.from({ length: 60 }, (_, n) => `key ${String(n)}`);
  for (const key of keys) await other.set(key, 'old');
  for (const key of keys) expect(await own.served(key)).toBe('old');
  for (const key of keys) await other.set(key, 'new');
  await vi.waitFor(async () => {
    for (const key of keys) expect(await own.served(key)).toBe('new');
  });
  await other.store.clear();
  await vi.waitFor(async () => {
    for (const key of keys) expect(await own.served(key)).toBeUndefined();
  });
  await near.close();
  await store.close();
});
