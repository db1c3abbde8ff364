import type { IRedisClient, Queue, Worker } from 'bullmq';

/** The connections of a queue or a worker. */
export interface Backend {
  readonly client: Promise<IRedisClient>;
  /** Only a worker has one. */
  readonly blockingClient: Promise<IRedisClient> | undefined;
  on(event: 'ready', listener: () => void): unknown;
}

/** What bullmq 5 has in the place of a backend. */
interface OwnerInBullMQ5 {
  readonly client: Promise<IRedisClient>;
  readonly connection: Pick<Backend, 'on'>;
  readonly blockingConnection?: Pick<Backend, 'client' | 'on'>;
}

/** The only place that knows the difference between bullmq 5 and 6. */
export function backendOf(owner: Queue | Worker): Backend {
  if ('getBackend' in owner) return owner.getBackend();
  const { client, connection, blockingConnection } = owner as unknown as OwnerInBullMQ5;
  return {
    client,
    blockingClient: blockingConnection?.client,
    on: (event, listener) => {
      connection.on(event, listener);
      blockingConnection?.on(event, listener);
    },
  };
}
