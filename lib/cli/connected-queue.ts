import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { deduplicationId } from '../bullmq/deduplication-id.js';
import type { FleetMember } from '../bullmq/fleet-member.js';
import { WorkerFleet } from '../bullmq/worker-fleet.js';
import type { Entry } from '../core/entry.js';

/** The name that every refresh queue has; applications differ by the prefix. */
const QUEUE = 'async-cache';

/** The refresh queue from outside. Only looks. */
export class ConnectedQueue {
  readonly #fleet: WorkerFleet;

  private constructor(
    private readonly client: Redis,
    private readonly queue: Queue,
  ) {
    const self = { application: '', host: '', pid: 0 };
    const ignore = (): void => undefined;
    this.#fleet = new WorkerFleet(queue, { self, onNeighbour: ignore, onFailure: ignore });
  }

  static async open(client: Redis, prefix: string): Promise<ConnectedQueue> {
    const { Queue } = await import('bullmq');
    const connection = client.duplicate({ lazyConnect: false, maxRetriesPerRequest: null });
    connection.on('error', () => undefined);
    const queue = new Queue(QUEUE, { connection, prefix, skipMetasUpdate: true });
    queue.on('error', () => undefined);
    return new ConnectedQueue(connection, queue);
  }

  members(): Promise<readonly FleetMember[]> {
    return this.#fleet.members();
  }

  knowing(key: string): Promise<number> {
    return this.#fleet.knowing(key);
  }

  /** True, or undefined: the key may also be waiting in a request for many keys. */
  async isWaiting(key: string, entry: Entry | undefined): Promise<true | undefined> {
    const id = deduplicationId({ key, generation: entry?.generation ?? '' });
    return (await this.queue.getDeduplicationJobId(id)) === null ? undefined : true;
  }

  async close(): Promise<void> {
    await this.queue.close();
    this.client.disconnect();
  }
}
