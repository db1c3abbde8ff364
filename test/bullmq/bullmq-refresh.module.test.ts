import { Socket } from 'node:net';
import { BullModule, BullRegistrar, getQueueToken, InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { type DynamicModule, Inject, Injectable, Module } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { Test } from '@nestjs/testing';
import type { Job, Queue } from 'bullmq';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import type { BullMQRefreshOptions } from '../../lib/bullmq/bullmq-refresh-options.js';
import { BullMQRefreshModule, REFRESH_QUEUE_NAME } from '../../lib/bullmq/bullmq-refresh.module.js';
import { BullMQRefreshQueue } from '../../lib/bullmq/bullmq-refresh-queue.js';
import { RefreshProcessor } from '../../lib/bullmq/refresh-processor.js';
import type { RefreshOutcome } from '../../lib/core/ports.js';
import { MsgpackrCodec } from '../../lib/msgpackr/msgpackr-codec.js';
import { requestOf, uniquePrefix } from './refresh-app.js';

const connection = { url: inject('redisUrl') };
const STORED: RefreshOutcome = { kind: 'stored' };

@Injectable()
class Settings {
  refreshes: BullMQRefreshOptions | undefined;
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

/** The module as the package uses it: options come from the application's own configuration. */
const fromSettings = BullMQRefreshModule.register({
  imports: [SettingsModule],
  inject: [Settings],
  useFactory: async (settings: Settings) => settings.refreshes,
});

function optionsOf(given: Partial<BullMQRefreshOptions> = {}): BullMQRefreshOptions {
  return { connection, prefix: uniquePrefix(), codec: new MsgpackrCodec(), onFailure: () => {}, ...given };
}

const apps: TestingModule[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const app of apps.splice(0)) await app.close();
});

async function start(refreshes: BullMQRefreshOptions | undefined, ...imports: (DynamicModule | typeof HostModule)[]) {
  const app = await Test.createTestingModule({ imports: [...imports, fromSettings] })
    .overrideProvider(Settings)
    .useValue({ refreshes })
    .compile();
  apps.push(app);
  return app.init();
}

describe('BullMQRefreshModule', () => {
  it('works with options from another provider', async () => {
    const app = await start(optionsOf());
    const handler = vi.fn(async () => STORED);
    app.get(BullMQRefreshQueue).process(handler);
    await app.get(BullMQRefreshQueue).request([requestOf('key')]);
    await vi.waitFor(() => expect(handler).toHaveBeenCalled());
  });

  it('opens no connection and provides nulls without options', async () => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    const app = await start(undefined);
    expect(app.get(BullMQRefreshQueue)).toBeNull();
    expect(app.get(getQueueToken(REFRESH_QUEUE_NAME))).toBeNull();
    await app.close();
    expect(connect).not.toHaveBeenCalled();
  });

  it('can be closed before it is initialised', async () => {
    const app = await Test.createTestingModule({ imports: [fromSettings] })
      .overrideProvider(Settings)
      .useValue({ refreshes: optionsOf() })
      .compile();
    await app.close();
  });

  it('makes no worker in a process that only asks', async () => {
    const app = await start(optionsOf({ worker: false }));
    app.get(BullMQRefreshQueue).process(async () => STORED);
    const queue = app.get<Queue>(getQueueToken(REFRESH_QUEUE_NAME));
    expect(app.get(RefreshProcessor)).toBeNull();
    expect(await queue.getWorkersCount()).toBe(0);
  });

  it("gives the worker BullMQ's own options", async () => {
    const limiter = { max: 5, duration: 1_000 };
    const app = await start(optionsOf({ worker: { concurrency: 7, limiter, stalledInterval: 123 } }));
    const { worker } = app.get(RefreshProcessor);
    expect(worker.concurrency).toBe(7);
    expect(worker.opts).toMatchObject({ limiter, autorun: false });
    app.get(BullMQRefreshQueue).process(async () => STORED);
    await vi.waitFor(() => expect(worker.isRunning()).toBe(true));
    expect(worker.opts.stalledInterval).toBe(123);
  });

  it.each([
    [undefined, { lockDuration: 7_500, stalledInterval: 1_000 }],
    [2_000, { lockDuration: 1_500, stalledInterval: 250 }],
    [500, { lockDuration: 1_000, stalledInterval: 250 }],
  ])('notices a dead worker within a lease of %s ms', async (lease, expected) => {
    const app = await start(optionsOf());
    const { worker } = app.get(RefreshProcessor);
    app.get(BullMQRefreshQueue).process(async () => STORED, lease);
    await vi.waitFor(() => expect(worker.isRunning()).toBe(true));
    expect(worker.opts).toMatchObject({ ...expected, lockRenewTime: expected.lockDuration / 2, maxStalledCount: 100 });
  });

  it('keeps applications of one process apart', async () => {
    const [one, other] = [
      await start(optionsOf({ worker: { concurrency: 2 } })),
      await start(optionsOf({ worker: { concurrency: 3 } })),
    ];
    expect([one, other].map((app) => app.get(RefreshProcessor).worker.concurrency)).toEqual([2, 3]);
    const handlers = [vi.fn(async () => STORED), vi.fn(async () => STORED)];
    [one, other].forEach((app, index) => app.get(BullMQRefreshQueue).process(handlers[index]!));
    await one.get(BullMQRefreshQueue).request([requestOf('one')]);
    await other.get(BullMQRefreshQueue).request([requestOf('other')]);
    await vi.waitFor(() => expect(handlers.map((handler) => handler.mock.calls.length)).toEqual([1, 1]));
  });
});

@Processor('emails')
class EmailProcessor extends WorkerHost {
  readonly sent: unknown[] = [];
  async process(job: Job): Promise<void> {
    this.sent.push(job.data);
  }
}

@Injectable()
class Mailer {
  constructor(@InjectQueue('emails') readonly emails: Queue) {}
}

@Module({ imports: [BullModule.registerQueue({ name: 'emails' })], providers: [EmailProcessor, Mailer] })
class HostModule {}

describe('an application that uses BullModule itself', () => {
  it('keeps its configuration, its queue and its processor', async () => {
    const hostPrefix = uniquePrefix();
    const refreshes = optionsOf();
    const forRoot = BullModule.forRoot({ connection, prefix: hostPrefix, defaultJobOptions: { removeOnComplete: 3 } });
    const app = await start(refreshes, forRoot, HostModule);
    const { emails } = app.get(Mailer);
    expect(emails.opts).toMatchObject({ prefix: hostPrefix, defaultJobOptions: { removeOnComplete: 3 } });
    expect(app.get(RefreshProcessor).worker.opts.prefix).toBe(refreshes.prefix);
    await bothWork(app);
  });

  it.each(['before', 'after'])(
    'registers its workers itself if it says so, with forRoot imported %s',
    async (order) => {
      const forRoot = BullModule.forRoot({
        connection,
        prefix: uniquePrefix(),
        extraOptions: { manualRegistration: true },
      });
      const modules = order === 'before' ? [forRoot, HostModule, fromSettings] : [fromSettings, HostModule, forRoot];
      const app = await Test.createTestingModule({ imports: modules })
        .overrideProvider(Settings)
        .useValue({ refreshes: optionsOf() })
        .compile();
      apps.push(app);
      await app.init();
      const handler = vi.fn(async () => STORED);
      app.get(BullMQRefreshQueue).process(handler);
      await app.get(BullMQRefreshQueue).request([requestOf('early')]);
      await app.get(Mailer).emails.add('welcome', { to: 'early' });
      expect(() => app.get(EmailProcessor).worker).toThrow('not yet been initialized');

      app.get(BullRegistrar).register();
      await vi.waitFor(() => expect(handler).toHaveBeenCalledTimes(1));
      await vi.waitFor(() => expect(app.get(EmailProcessor).sent).toEqual([{ to: 'early' }]));
    },
  );

  it('is left alone also where there is no connection for refreshes', async () => {
    const app = await start(undefined, BullModule.forRoot({ connection, prefix: uniquePrefix() }), HostModule);
    await app.get(Mailer).emails.add('welcome', { to: 'bob' });
    await vi.waitFor(() => expect(app.get(EmailProcessor).sent).toEqual([{ to: 'bob' }]));
  });

  it('may close without having registered its workers', async () => {
    const forRoot = BullModule.forRoot({ connection, extraOptions: { manualRegistration: true } });
    const app = await start(optionsOf(), forRoot);
    app.get(BullMQRefreshQueue).process(async () => STORED);
    await app.close();
  });

  async function bothWork(app: TestingModule): Promise<void> {
    const handler = vi.fn(async () => STORED);
    app.get(BullMQRefreshQueue).process(handler);
    await app.get(BullMQRefreshQueue).request([requestOf('key')]);
    await app.get(Mailer).emails.add('welcome', { to: 'bob' });
    await vi.waitFor(() => expect(handler).toHaveBeenCalledTimes(1));
    await vi.waitFor(() => expect(app.get(EmailProcessor).sent).toEqual([{ to: 'bob' }]));
  }
});

describe('the names of what is provided', () => {
  it('are what an application may inject', async () => {
    @Injectable()
    class Dashboard {
      constructor(
        @InjectQueue(REFRESH_QUEUE_NAME) readonly bull: Queue,
        @Inject(BullMQRefreshQueue) readonly queue: BullMQRefreshQueue,
      ) {}
    }
    const refreshes = BullMQRefreshModule.register({ useFactory: () => optionsOf({ worker: false }) });
    const app = await Test.createTestingModule({ imports: [refreshes], providers: [Dashboard] }).compile();
    expect(app.get(Dashboard).bull.name).toBe('async-cache');
    expect(app.get(Dashboard).queue).toBeInstanceOf(BullMQRefreshQueue);
    await app.close();
  });
});
