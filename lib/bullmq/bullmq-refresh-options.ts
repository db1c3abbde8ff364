import type { ConnectionOptions, WorkerOptions } from 'bullmq';
import type { QueueError } from '../core/errors.js';
import type { Codec } from '../core/ports.js';

/** BullMQ's own options of a worker, but for those that the queue and the worker must agree on. */
export type BullMQWorkerOptions = Partial<
  Omit<WorkerOptions, 'connection' | 'sharedConnection' | 'prefix' | 'autorun' | 'settings' | 'removeOnComplete' | 'removeOnFail'>
>;

export interface BullMQRefreshOptions {
  readonly connection: ConnectionOptions;
  /** Isolates applications that share a Redis: BullMQ's own `prefix`. Default: BullMQ's, `bull`. */
  readonly prefix?: string | undefined;
  /** False: this process only asks for refreshes. Default: `{ concurrency: 10 }`. */
  readonly worker?: false | BullMQWorkerOptions | undefined;
  /** How arguments travel. */
  readonly codec: Codec;
  /**
   * Told what goes wrong and reaches no caller: an outage of the connection once, a request that cannot be read or is
   * given up. What a refresh failed with is not among it; whoever handles refreshes reports that.
   */
  readonly onFailure: (error: QueueError) => void;
}
