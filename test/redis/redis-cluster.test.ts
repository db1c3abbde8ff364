import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { describeStore } from '../../lib/testing/store-contract.js';
import { StoreUser } from '../../lib/testing/store-user.js';
import { openRedisStore } from '../support/open-redis-store.js';
import { type RedisCluster, startRedisCluster } from './redis-cluster.js';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
}, 60_000);
afterAll(() => cluster.stop());

describeStore(
  'RedisStore on a Cluster',
  {
    create: async () => {
      const { store } = openRedisStore(cluster.connect());
      const advance = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms + 2));
      return { store, advance, close: () => store.close() };
    },
    capabilities: { shared: true, fence: 'cluster' },
  },
  { afterEach, beforeEach, describe, expect, it },
);

it('spreads the keys over all servers, and clears them all', async () => {
  const { store, client, prefix } = openRedisStore(cluster.connect());
  const user = new StoreUser({ store, advance: async () => undefined, close: async () => undefined });
  const keys = Array.from({ length: 100 }, (_, n) => `key ${String(n)}`);
  for (const key of keys) await user.fetched(key, key);
  expect((await store.readMany(keys)).map((entry) => entry?.value)).toEqual(keys);
  const nodes = 'nodes' in client ? client.nodes('master') : [];
  const counts = await Promise.all(nodes.map(async (node) => (await node.keys(`${prefix}:*`)).length));
  expect(counts.length).toBe(3);
  for (const count of counts) expect(count).toBeGreaterThan(10);
  await store.clear();
  expect((await store.readMany(keys)).filter((entry) => entry !== undefined)).toEqual([]);
  await store.close();
});
