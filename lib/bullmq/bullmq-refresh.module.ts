import { hostname } from 'node:os';
import { BullModule, getQueueToken, Processor } from '@nestjs/bullmq';
import { type DynamicModule, type InjectionToken, Module, type ModuleMetadata } from '@nestjs/common';
import { type ConnectionOptions, Queue } from 'bullmq';
import type { Awaitable } from '../core/ports.js';
import type { BullMQRefreshOptions } from './bullmq-refresh-options.js';
import { BullMQRefreshQueue } from './bullmq-refresh-queue.js';
import { isSharedConnection } from './queue-connection.js';
import { OutageReporter } from './outage-reporter.js';
import { RefreshProcessor } from './refresh-processor.js';
import { WorkerFleet } from './worker-fleet.js';

/**
 * A constant, because a worker does not follow a queue that is renamed at run time. Applications are isolated by
 * `prefix`.
 */
export const REFRESH_QUEUE_NAME = 'async-cache';

const LONGEST_RECONNECT_DELAY = 1_000;
/** A request that kills every worker must end some time; the next reader requests again. */
const MOST_DEATHS = 100;
const KEPT_FAILURES = { count: 1_000, age: 24 * 60 * 60 };
const KEPT_EVENTS = 1_000;

const OPTIONS = Symbol('options of nestjs-async-cache/bullmq');

/** Where the options come from: a factory and what it needs. */
export interface BullMQRefreshModuleOptions<Dependencies extends readonly unknown[]> {
  /** Modules that provide what the factory needs. Default: none. */
  readonly imports?: ModuleMetadata['imports'];
  /** What the factory is called with. Default: nothing. */
  readonly inject?: InjectionToken[];
  /** Undefined means no queue, no worker and no connection. */
  readonly useFactory: (...dependencies: Dependencies) => Awaitable<BullMQRefreshOptions | undefined>;
}

interface Parts {
  readonly options: BullMQRefreshOptions;
  readonly outages: OutageReporter;
}

/** Beside `Parts`, since it needs the queue. */
const FLEET = Symbol('fleet of nestjs-async-cache/bullmq');

/**
 * Provides `BullMQRefreshQueue` and BullMQ's `Queue` under `getQueueToken('async-cache')`; both are null without
 * options. Does not call `BullModule.forRoot`, which would override the `extraOptions` of an application that uses
 * BullMQ itself.
 */
@Module({})
export class BullMQRefreshModule {
  /** Makes the queue and, unless `worker` is false, its worker. */
  static register<Dependencies extends readonly unknown[]>({
    imports = [],
    inject = [],
    useFactory,
  }: BullMQRefreshModuleOptions<Dependencies>): DynamicModule {
    const queueToken = getQueueToken(REFRESH_QUEUE_NAME);
    return {
      module: BullMQRefreshModule,
      // Registers no queue, but what finds processors and creates their workers.
      imports: [...imports, BullModule.registerQueue()],
      providers: [
        {
          provide: OPTIONS,
          inject,
          useFactory: async (...dependencies: Dependencies): Promise<Parts | null> => {
            const options = await useFactory(...dependencies);
            return options === undefined
              ? null
              : { options, outages: new OutageReporter(options.onFailure, options.onOutageEnd) };
          },
        },
        {
          provide: queueToken,
          inject: [OPTIONS],
          useFactory: (parts: Parts | null) => parts && createQueue(parts.options),
        },
        {
          provide: FLEET,
          inject: [OPTIONS, queueToken],
          useFactory: (parts: Parts | null, queue: Queue | null) => parts && queue && createFleet(parts, queue),
        },
        {
          provide: RefreshProcessor,
          inject: [OPTIONS, FLEET],
          useFactory: (parts: Parts | null, fleet: WorkerFleet | null) =>
            parts && fleet && createProcessor(parts, fleet),
        },
        {
          provide: BullMQRefreshQueue,
          inject: [OPTIONS, queueToken, FLEET, RefreshProcessor],
          useFactory: (
            parts: Parts | null,
            queue: Queue | null,
            fleet: WorkerFleet | null,
            processor: RefreshProcessor | null,
          ) =>
            parts &&
            queue &&
            fleet &&
            new BullMQRefreshQueue({ queue, fleet, processor: processor ?? undefined, ...parts }),
        },
      ],
      exports: [BullMQRefreshQueue, queueToken],
    };
  }
}

function createQueue({ connection, prefix, telemetry }: BullMQRefreshOptions): Queue {
  return new Queue(REFRESH_QUEUE_NAME, {
    connection: reconnectingSoon(connection),
    ...prefixOn(connection, prefix),
    ...(telemetry === undefined ? {} : { telemetry }),
    defaultJobOptions: { removeOnComplete: true, removeOnFail: KEPT_FAILURES },
    streams: { events: { maxLen: KEPT_EVENTS } },
  });
}

function createFleet({ options, outages }: Parts, queue: Queue): WorkerFleet {
  const { application = 'unnamed', onNeighbour = () => undefined } = options;
  const self = { application, host: hostname(), pid: process.pid };
  return new WorkerFleet(queue, { self, onNeighbour, onFailure: (error) => outages.emitted(error) });
}

function createProcessor({ options, outages }: Parts, fleet: WorkerFleet): RefreshProcessor | null {
  const { connection, prefix, telemetry, worker = {} } = options;
  if (worker === false) return null;
  // A class for each application, because `@Processor` stores its options on the class.
  class ApplicationRefreshProcessor extends RefreshProcessor {}
  const processor = new ApplicationRefreshProcessor(options, outages, fleet);
  const decorate = Processor(REFRESH_QUEUE_NAME, {
    concurrency: 10,
    maxStalledCount: MOST_DEATHS,
    runRetryDelay: LONGEST_RECONNECT_DELAY,
    ...(telemetry === undefined ? {} : { telemetry }),
    ...worker,
    connection: reconnectingSoon(connection),
    ...prefixOn(connection, prefix),
    autorun: false,
    settings: { backoffStrategy: (_attempts, _type, _error, job) => processor.retryDelay(job) },
  });
  decorate(ApplicationRefreshProcessor);
  return processor;
}

/** The part in braces decides the slot in a Cluster, and BullMQ's scripts need all keys of a queue in one slot. */
function prefixOn(connection: ConnectionOptions, prefix: string | undefined): { prefix?: string } {
  const isCluster = 'isCluster' in connection && connection.isCluster === true;
  if (isCluster && !/\{.+\}/.test(prefix ?? '')) return { prefix: `{${prefix ?? 'bull'}}` };
  return prefix === undefined ? {} : { prefix };
}

/**
 * BullMQ's pauses between attempts to connect grow to 20 seconds, so shorter ones are set. An existing connection is
 * left as it is.
 */
function reconnectingSoon(connection: ConnectionOptions): ConnectionOptions {
  if (isSharedConnection(connection)) return connection;
  const retryStrategy = (times: number): number => Math.min(LONGEST_RECONNECT_DELAY, 50 * 2 ** times);
  return { retryStrategy, ...connection };
}
