import type { Cluster, Redis } from 'ioredis';
import { vi } from 'vitest';
import { GuardedStore } from '../../lib/core/store/guarded-store.js';
import type { ChangeFeed, Clock } from '../../lib/core/ports.js';
import { NearStore } from '../../lib/near/near-store.js';
import { SystemClock } from '../../lib/memory/system-clock.js';
import type { RedisConnection } from '../../lib/redis/redis-connection.js';
import type { RedisStore } from '../../lib/redis/redis-store.js';
import { openRedisStore } from '../support/open-redis-store.js';

export interface OpenNearStore {
  readonly near: NearStore;
  readonly feed: ChangeFeed;
  readonly redis: RedisStore;
  readonly client: Redis | Cluster;
  readonly prefix: string;
  /** The operations at which the shared store failed. */
  readonly failures: readonly string[];
}

export interface NearOptions {
  prefix?: string;
  max?: number;
  age?: number;
  timeout?: number;
  clock?: Clock;
  /** Stands between the feed and the near store. */
  tamper?: (feed: ChangeFeed) => ChangeFeed;
  /** Gets the connection before the store and the feed use it. */
  tamperClient?: (client: Redis | Cluster) => void;
}

/** The near store that the module makes of a `connection`, with its feed live. */
export async function openNearStore(connection: RedisConnection, options: NearOptions = {}): Promise<OpenNearStore> {
  const {
    max = 10_000,
    age = 30_000,
    timeout = 10_000,
    clock = new SystemClock(),
    tamper = (feed) => feed,
    tamperClient,
    ...own
  } = options;
  const {
    store: redis,
    client,
    prefix,
  } = openRedisStore(connection, { ...own, clock, ...(tamperClient && { tamper: tamperClient }) });
  const feed = tamper(redis.changeFeed(clock));
  const failures: string[] = [];
  const onFailure = (operation: string): void => void failures.push(operation);
  const store = new GuardedStore(redis, timeout, clock);
  const near = new NearStore({ store, feed, clock, max, age, onFailure, onRestored: () => store.resume() });
  await vi.waitFor(() => {
    if (!feed.live) throw new Error('The feed is not live');
  }, 5_000);
  return { near, feed, redis, client, prefix, failures };
}
