import { randomBytes } from 'node:crypto';

import type { Cluster, Redis } from 'ioredis';

import type { Clock } from '../../lib/core/ports.js';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { MsgpackrCodec } from '../../lib/msgpackr/msgpackr-codec.js';
import { connectRedis, type RedisConnection } from '../../lib/redis/redis-connection.js';
import { RedisStore } from '../../lib/redis/redis-store.js';

export interface OpenRedisStore {
  readonly store: RedisStore;
  readonly client: Redis | Cluster;
  readonly prefix: string;
  /** The errors that the connection reported. */
  readonly errors: readonly Error[];
  readonly corrupt: readonly { key: string; error: unknown }[];
}

export interface OpenOptions {
  /** Default: a prefix that no other test uses. */
  prefix?: string;
  clock?: Clock;
  /** Gets the connection before the store does. */
  tamper?: (client: Redis | Cluster) => void;
}

export function openRedisStore(connection: RedisConnection, options: OpenOptions = {}): OpenRedisStore {
  const { prefix = randomBytes(6).toString('hex'), clock = new SystemClock(), tamper } = options;
  const errors: Error[] = [];
  const corrupt: { key: string; error: unknown }[] = [];
  const client = connectRedis(connection, (error) => errors.push(error));
  tamper?.(client);
  const store = new RedisStore({
    client,
    prefix,
    codec: new MsgpackrCodec(),
    clock,
    onCorrupt: (key, error) => corrupt.push({ key, error }),
  });
  return { store, client, prefix, errors, corrupt };
}
