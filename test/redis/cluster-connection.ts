import type { Cluster } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { type RedisCluster, startRedisCluster } from './redis-cluster.js';

/**
 * A cluster for the tests of a file, and one connection that they share as an application would: its creator closes it.
 */
export function clusterConnection(): () => Cluster {
  let cluster: RedisCluster;
  let connection: Cluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    connection = cluster.connect();
  }, 60_000);
  afterAll(async () => {
    connection.disconnect();
    await cluster.stop();
  });
  return () => connection;
}
