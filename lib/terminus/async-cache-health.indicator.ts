import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { type Duration, toMilliseconds } from '../core/policy/duration.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { RUNTIME } from '../nest/tokens.js';

/** Beyond which the check says `down`. *Default:* none, whatever is wrong is in the details only. */
export interface AsyncCacheHealthThresholds {
  /** How long a request for a refresh may wait for a worker. */
  maxBacklogAge?: Duration;
  /** How long refreshes of one key may have been failing, as this process has seen it. */
  maxFailingFor?: Duration;
  /** How many live workers there must be, in all processes, that know each job of this application. */
  minWorkers?: number;
}

/**
 * The health of the cache, as Terminus's own indicators give it. Reads are answered without a store and without a queue, so
 * neither of them makes it `down` by itself: they are in the details.
 */
@Injectable()
export class AsyncCacheHealthIndicator {
  constructor(
    @Inject(RUNTIME) private readonly runtime: AsyncCacheRuntime,
    private readonly service: HealthIndicatorService,
  ) {}

  /** Costs one read of each store and four commands of the queue. Throws a `ConfigurationError` for a wrong threshold. */
  async check<Name extends string>(
    name: Name,
    { maxBacklogAge, maxFailingFor, minWorkers }: AsyncCacheHealthThresholds = {},
  ): Promise<HealthIndicatorResult<Name>> {
    const limitOf = (limit: Duration | undefined, option: string): number =>
      limit === undefined ? Infinity : toMilliseconds(limit, option, 'AsyncCacheHealthIndicator');
    const limits = {
      backlog: limitOf(maxBacklogAge, 'maxBacklogAge'),
      failing: limitOf(maxFailingFor, 'maxFailingFor'),
    };
    const { stores, queue, failingFor } = await this.runtime.cache.health();
    const reasons = [
      ...((queue?.oldest ?? 0) > limits.backlog ? ['requests wait for longer than maxBacklogAge'] : []),
      ...(failingFor > limits.failing ? ['refreshes have been failing for longer than maxFailingFor'] : []),
      ...(minWorkers !== undefined && (queue?.workers ?? 0) < minWorkers
        ? ['there are fewer workers than minWorkers']
        : []),
    ];
    const details = {
      stores: Object.fromEntries(Object.entries(stores).map(([store, isUp]) => [store, isUp ? 'up' : 'down'])),
      queue: queue === undefined ? 'down' : 'up',
      ...(queue === undefined
        ? {}
        : { waiting: queue.waiting, backlogAge: queue.oldest / 1_000, workers: queue.workers }),
      failingFor: failingFor / 1_000,
    };
    const indicator = this.service.check(name);
    return reasons.length === 0 ? indicator.up(details) : indicator.down({ ...details, reasons });
  }
}
