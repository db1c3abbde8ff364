import type { Cluster } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { type RedisCluster, startRedisCluster } from '../redis/redis-cluster.js';
import { describeCases } from './describe-cases.js';

let cluster: RedisCluster;
/** Shared by the applications of all cases: who made it closes it. */
let connection: Cluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
  connection = cluster.connect();
}, 60_000);
afterAll(async () => {
  connection.disconnect();
  await cluster.stop();
});

describeCases('on a Redis Cluster', { options: () => ({ connection, storeTimeout: '10s' }), time: 'real', shared: true });
