import { type Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';

import { ConfigurationError } from '../core/errors.js';

/** What BullMQ takes as its `connection`: options with or without a `url`, a url, or a client of ioredis. */
export type RedisConnection = string | (RedisOptions & { readonly url?: string }) | Redis | Cluster;

/** A server that has been asked and says nothing for so many milliseconds is connected to anew. */
export const LONGEST_SILENCE = 2_000;

/** Reconnects soon: while Redis is away every read has to do without it. */
const retryStrategy = (attempt: number): number => Math.min(50 * attempt, 1_000);

/**
 * Nothing waits in the client. A command that was written when the connection broke is not sent again: it may have
 * been done, and its caller has given up. A reader has something better to do than to wait for a server that is away.
 */
const FAIL_FAST = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // The store's own prefix is enough, and patterns would not have this one.
  keyPrefix: '',
  lazyConnect: false,
  disconnectTimeout: 200,
  // After a failover this may be a replica now.
  reconnectOnError: (error: Error): boolean => error.message.startsWith('READONLY'),
} satisfies RedisOptions;

/**
 * A connection of the store's own, beside the one that the user gave. It connects in the background; `onError` is told
 * whenever that fails.
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
      'The connection is a client that is not of ioredis',
      'Give the options of the connection instead of a client, or a client of ioredis',
    );
  }
  const { url, ...options } = connection;
  const own = { ...options, ...FAIL_FAST, retryStrategy };
  return url === undefined ? new Redis(own) : new Redis(url, own);
}

function clusterOptions(options: ClusterOptions): ClusterOptions {
  // When the servers are connected is the Cluster's own affair.
  const { enableOfflineQueue: _, lazyConnect: __, ...nodeOptions } = FAIL_FAST;
  return {
    ...options,
    enableOfflineQueue: false,
    lazyConnect: false,
    keyPrefix: '',
    clusterRetryStrategy: retryStrategy,
    // A key may have moved; but a server that is away is not waited for.
    maxRedirections: 4,
    redisOptions: { ...options.redisOptions, ...nodeOptions },
  };
}

// By what they can do, not by their class: the user may have another copy of ioredis.
function isCluster(connection: object): connection is Cluster {
  return 'isCluster' in connection && connection.isCluster === true && 'defineCommand' in connection;
}

function isRedis(connection: object): connection is Redis {
  return 'duplicate' in connection && 'defineCommand' in connection;
}
