import { randomUUID } from 'node:crypto';
import { getQueueToken } from '@nestjs/bullmq';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import type { BullMQRefreshOptions } from '../../lib/bullmq/bullmq-refresh-options.js';
import { BullMQRefreshModule, REFRESH_QUEUE_NAME } from '../../lib/bullmq/bullmq-refresh.module.js';
import { BullMQRefreshQueue } from '../../lib/bullmq/bullmq-refresh-queue.js';
import type { QueueError } from '../../lib/core/errors.js';
import type { RefreshRequest } from '../../lib/core/ports.js';
import { MsgpackrCodec } from '../../lib/msgpackr/msgpackr-codec.js';

export interface RefreshApp {
  readonly app: INestApplicationContext;
  readonly queue: BullMQRefreshQueue;
  /** BullMQ's own. */
  readonly bull: Queue;
  readonly failures: QueueError[];
}

type Given = Pick<BullMQRefreshOptions, 'connection'> & Partial<BullMQRefreshOptions>;

/** An application with nothing but the queue. */
export async function startRefreshApp(given: Given): Promise<RefreshApp> {
  const failures: QueueError[] = [];
  const refreshes = BullMQRefreshModule.register({
    useFactory: (): BullMQRefreshOptions => ({
      codec: new MsgpackrCodec(),
      prefix: uniquePrefix(),
      onFailure: (error) => failures.push(error),
      ...given,
    }),
  });
  const app = await Test.createTestingModule({ imports: [refreshes] }).compile();
  await app.init();
  return { app, queue: app.get(BullMQRefreshQueue), bull: app.get(getQueueToken(REFRESH_QUEUE_NAME)), failures };
}

export function uniquePrefix(): string {
  return `test-${randomUUID()}`;
}

export function requestOf(key: string, given: Partial<RefreshRequest> = {}): RefreshRequest {
  return { job: 'Job', key, generation: '1', args: [key], options: {}, ...given };
}
