import { type Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';

import { ConfigurationError } from '../core/errors.js';

/** The forms that BullMQ accepts as `connection`: options with or without a `url`, a url, or a client of ioredis. */
export type RedisConnection = string | (RedisOptions & { readonly url?: string }) | Redis | Cluster;

/** Milliseconds. A connection whose server has been asked and has not answered for this long is replaced. */
export const LONGEST_SILENCE = 2_000;

/** Milliseconds until the next attempt to connect. Short, because without Redis every read takes the slower path. */
const retryStrategy = (attempt: number): number => Math.min(50 * attempt, 1_000);

/**
 * No command waits in the client. One that was written when the connection broke is not sent again: the server may have
 * run it, and its caller has given up. Readers have a fallback and must not wait for a server that is away.
 */
const FAIL_FAST = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // The store has a prefix of its own, and ioredis would not add this one to patterns.
  keyPrefix: '',
  lazyConnect: false,
  disconnectTimeout: 200,
  // After a failover this server may be a replica, which refuses writes.
  reconnectOnError: (error: Error): boolean => error.message.startsWith('READONLY'),
} satisfies RedisOptions;

/**
 * Opens a connection for the store, with the options of the one that the user gave. It connects in the background;
 * `onError` is called for each failure.
 */
export function connectRedis(connection: RedisConnection, onError: (error: Error) => void): Redis | Cluster {
  const client = connect(connection);
  client.on('error', onError);
  return client;
}

function connect(connection: RedisConnection): Redis | Cluster {
  if (typeof connection === 'string') return new Redis(connection, { ...FAIL_FAST, retryStrategy });
  if (isCluster(connection)) return connection.duplicate([], clusterOptions(connection.options));
  if (isRedis(connection)) return connection.duplicate({ ...FAIL_FAST, retryStrategy });
  if ('duplicate' in connection) {
    throw new ConfigurationError(
      'The connection is a client of another library than ioredis',
      'Give the options of the connection instead of a client, or a client of ioredis',
    );
  }
  const { url, ...options } = connection;
  const own = { ...options, ...FAIL_FAST, retryStrategy };
  return url === undefined ? new Redis(own) : new Redis(url, own);
}

function clusterOptions(options: ClusterOptions): ClusterOptions {
  // The Cluster decides when its nodes connect.
  const { enableOfflineQueue: _, lazyConnect: __, ...nodeOptions } = FAIL_FAST;
  return {
    ...options,
    enableOfflineQueue: false,
    lazyConnect: false,
    keyPrefix: '',
    clusterRetryStrategy: retryStrategy,
    // A key may have moved to another node, so some redirections are followed. Retries for a node that is away are not.
    maxRedirections: 4,
    redisOptions: { ...options.redisOptions, ...nodeOptions },
  };
}

// Recognised by members and not by class, because the application may have another copy of ioredis.
function isCluster(connection: object): connection is Cluster {
  return 'isCluster' in connection && connection.isCluster === true && 'defineCommand' in connection;
}

function isRedis(connection: object): connection is Redis {
  return 'duplicate' in connection && 'defineCommand' in connection;
}
