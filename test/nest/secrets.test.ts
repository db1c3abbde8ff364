import { inspect } from 'node:util';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { AsyncCache, AsyncCached, AsyncCacheModule, type CacheEvent } from 'nestjs-async-cache';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { RecordingLogger } from './support/start-app.js';

const PASSWORD = 'pass-hunter2';
const USER = 'user-hunter2';
const VALUE = 'value-hunter2';
/** Longer than what of a key is readable. */
const ARGUMENT = `argument-hunter2 ${'x'.repeat(300)}`;

let redis: RedisServer;
let admin: Redis;
beforeEach(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
  await admin.call('ACL', 'SETUSER', USER, 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
});
afterEach(async () => {
  admin.disconnect();
  await redis.stop();
});

@Injectable()
class Reports {
  @AsyncCached({ ttl: 0.001, tags: ['tag'] })
  async load(argument: string): Promise<{ value: string; argument: number }> {
    return { value: VALUE, argument: argument.length };
  }
}

interface Running {
  readonly reports: Reports;
  readonly cache: AsyncCache;
  readonly failures: CacheEvent[];
  /** Everything that left the package: events of failures, log lines, and errors that callers got. */
  shown(): string;
  /** Keeps an error that a caller gets. */
  readonly attempt: (call: () => Promise<unknown>) => Promise<void>;
}

async function start(password = PASSWORD): Promise<Running> {
  const log = new RecordingLogger();
  const connection = { host: '127.0.0.1', port: redis.port, username: USER, password };
  const app = await Test.createTestingModule({
    imports: [AsyncCacheModule.forRoot({ connection, defaults: { grace: '1h' } })],
    providers: [Reports],
  })
    .setLogger(log)
    .compile();
  const cache = app.get(AsyncCache, { strict: false });
  const failures: CacheEvent[] = [];
  const caught: unknown[] = [];
  const subscription = cache.events$.subscribe((event) => 'error' in event && failures.push(event));
  onTestFinished(async () => {
    subscription.unsubscribe();
    await app.close();
  });
  await app.init();
  return {
    reports: app.get(Reports),
    cache,
    failures,
    shown: () => inspect([failures, log.lines, caught], { depth: Infinity, showHidden: true, maxStringLength: null }),
    attempt: async (call) => {
      await call().catch((error: unknown) => caught.push(error));
    },
  };
}

async function use({ reports, cache, attempt }: Running): Promise<void> {
  const job = cache.of(reports, 'load');
  await attempt(() => reports.load(ARGUMENT));
  await attempt(() => job.set([ARGUMENT], { value: VALUE, argument: 1 }));
  await attempt(() => job.getMany([[ARGUMENT], ['two']]));
  await attempt(() => job.invalidate(ARGUMENT));
  await attempt(() => job.delete(ARGUMENT));
  await attempt(() => cache.invalidateTags('tag'));
  await attempt(() => cache.deleteTags('tag'));
  await attempt(() => job.invalidateAll());
  await attempt(() => cache.clear());
}

function expectNoSecret(shown: string): void {
  for (const secret of [PASSWORD, VALUE, 'argument-hunter2', 'wrong-hunter2']) expect(shown).not.toContain(secret);
  // Where ioredis puts them, as bytes for the most part.
  expect(shown).not.toContain('command: {');
}

describe('no password, value or argument is in events, log lines and errors', () => {
  it('with a wrong password', async () => {
    const running = await start('wrong-hunter2');
    await use(running);
    await vi.waitFor(() => expect(running.shown()).toContain('WRONGPASS'));
    expectNoSecret(running.shown());
    expect(running.shown()).not.toContain(USER);
  });

  it('with a password that is changed while the application runs', async () => {
    const running = await start();
    await running.reports.load(ARGUMENT);
    await admin.call('ACL', 'SETUSER', USER, 'resetpass', '>other-hunter2');
    await admin.call('CLIENT', 'KILL', 'USER', USER);
    await vi.waitFor(async () => {
      await use(running);
      expect(running.shown()).toContain('WRONGPASS');
    });
    expectNoSecret(running.shown());
    expect(running.shown()).not.toContain(USER);
  });

  it.each([
    ['-eval', '-evalsha'],
    ['-hmget', '-pttl'],
    ['-@all', '+@connection', '+info'],
  ])('with a user with the rules %s %s', async (...rules) => {
    const running = await start();
    await running.reports.load(ARGUMENT);
    await admin.call('ACL', 'SETUSER', USER, ...rules);
    await use(running);
    await vi.waitFor(() => expect(running.shown()).toContain('NOPERM'));
    expectNoSecret(running.shown());
  });

  it('control: they are in the error of a client', async () => {
    const client = new Redis({ port: redis.port, username: USER, password: 'wrong-hunter2', retryStrategy: null });
    const [error] = await new Promise<unknown[]>((resolve) => client.on('error', (...all) => resolve(all)));
    client.disconnect();
    expect(inspect(error, { depth: Infinity })).toContain('wrong-hunter2');
    expect(inspect(error, { depth: Infinity })).toContain('command: {');
  });
});
