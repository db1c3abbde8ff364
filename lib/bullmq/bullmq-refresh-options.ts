import type { ConnectionOptions, Telemetry, WorkerOptions } from 'bullmq';
import type { QueueError } from '../core/errors.js';
import type { Codec } from '../core/ports.js';
import type { FleetMember } from './fleet-member.js';

/** BullMQ's options of a worker, without those on which queue and worker must agree. */
export type BullMQWorkerOptions = Partial<
  Omit<
    WorkerOptions,
    'connection' | 'sharedConnection' | 'prefix' | 'autorun' | 'settings' | 'removeOnComplete' | 'removeOnFail'
  >
>;

/** Options of the refresh queue on BullMQ, for applications that set it up without `AsyncCacheModule`. */
export interface BullMQRefreshOptions {
  /** The Redis of the queue, as BullMQ takes it. */
  readonly connection: ConnectionOptions;
  /** BullMQ's `prefix`, which isolates applications that share a Redis. Default: BullMQ's own, `bull`. */
  readonly prefix?: string | undefined;
  /** False: this process only requests refreshes. Default: `{ concurrency: 10 }`. */
  readonly worker?: false | BullMQWorkerOptions | undefined;
  /** BullMQ's own, of queue and worker. Default: none. */
  readonly telemetry?: Telemetry | undefined;
  /**
   * How many requests may wait in Redis. Further ones are refused. One with large arguments counts once for each 8 KB of
   * them. Each process may exceed it by a thousand, since it counts only so often. Default: 10,000.
   */
  readonly maxWaiting?: number | undefined;
  /** Turns arguments into bytes and back. */
  readonly codec: Codec;
  /** The name of the application, by which it tells its own workers from a neighbour's. Default: `unnamed`. */
  readonly application?: string | undefined;
  /**
   * Called with failures that reach no caller: an outage (once for each cause), and a request that cannot be read or
   * is given up. Failed refreshes are not among them, since the refresh handler reports those.
   */
  readonly onFailure: (error: QueueError) => void;
  /** Called once, at the first sight of another application's worker under the same prefix. Default: nothing. */
  readonly onNeighbour?: ((neighbour: FleetMember) => void) | undefined;
  /** Called when an outage that was reported is over, with the seconds that it took. Default: nothing. */
  readonly onOutageEnd?: ((seconds: number) => void) | undefined;
}
