import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  AsyncCache,
  AsyncCached,
  AsyncCacheJob,
  AsyncCacheModule,
  type AsyncCacheOptions,
  refreshContext,
} from 'nestjs-async-cache';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { Random } from '../simulation/random.js';
import { RecordingLogger } from './support/start-app.js';

@Injectable()
class Busy {
  constructor() {
    this.random = new Random(1).next;
  }

  random: () => number;

  @AsyncCached({
    ttl: '20ms',
    grace: '1m',
    tags: ['tag'],
    fetchTimeout: '200ms',
    backoff: { initial: '5ms', max: '20ms' },
  })
  async load(key: number): Promise<string> {
    const { signal } = refreshContext();
    const ms = this.random() * 40;
    await new Promise((resolve, reject) => {
      setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
    });
    if (this.random() < 0.4) throw new Error(`no ${String(key)}`);
    return 'value';
  }
}

@Injectable()
class Batched extends AsyncCacheJob {
  ttl = '20ms' as const;
  backoff = { initial: '5ms', max: '20ms' } as const;
  refreshEvery = { every: '30ms', args: [[1], [2]] } as const;
  warmOnStart = [[3], [4]] as const;
  constructor(private readonly busy: Busy) {
    super();
  }

  async fetch(key: number): Promise<string> {
    return this.busy.load(key);
  }

  async fetchMany(lists: readonly [number][]): Promise<(string | Error)[]> {
    if (this.busy.random() < 0.3) throw new Error('none of them');
    return Promise.all(lists.map(([key]) => this.busy.load(key).catch((error: unknown) => error as Error)));
  }
}

const url = new URL(inject('redisUrl'));
const connection = { host: url.hostname, port: Number(url.port) };
const homes: readonly [string, () => AsyncCacheOptions][] = [
  ['embedded', () => ({})],
  ['on Redis', () => ({ connection, prefix: `closing ${String(Math.random())}` })],
  ['on Redis without copies', () => ({ connection, near: false, prefix: `closing ${String(Math.random())}` })],
  ['in cache-manager', () => ({ stores: [] })],
];

describe.each(homes)('close() under load, %s', (_, options) => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  let others: NodeJS.UnhandledRejectionListener[];

  beforeEach(() => {
    unhandled.length = 0;
    others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', note);
  });

  afterEach(() => {
    process.off('unhandledRejection', note);
    for (const other of others) process.on('unhandledRejection', other);
  });

  it('leaves no rejection unhandled, at whatever moment it comes', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = new Random(seed).next;
      const app = await Test.createTestingModule({
        imports: [AsyncCacheModule.forRoot(options())],
        providers: [Busy, Batched],
      })
        .setLogger(new RecordingLogger())
        .compile();
      await app.init();
      const busy = app.get(Busy);
      busy.random = random;
      const cache = app.get(AsyncCache);
      const batched = app.get(Batched);
      const job = cache.of(busy, 'load');
      const calls: (() => Promise<unknown>)[] = [
        () => busy.load(Math.floor(random() * 20)),
        () => job.read(Math.floor(random() * 20)),
        () => job.refresh(Math.floor(random() * 20)),
        () => job.invalidate(Math.floor(random() * 20)),
        () => job.set([Math.floor(random() * 20)], 'set'),
        () => job.delete(Math.floor(random() * 20)),
        () => job.getMany([[1], [2], [3]]),
        () => batched.get(Math.floor(random() * 20)),
        () => batched.getMany([[1], [2], [Math.floor(random() * 20)]]),
        () => batched.invalidate(1),
        () => job.warm([[4], [5], [6]]),
        () => cache.invalidateTags('tag'),
        () => cache.clear(),
      ];
      const settled: Promise<unknown>[] = [];
      const act = (): void => {
        const call = calls[random() < 0.5 ? 0 : Math.floor(random() * calls.length)];
        if (call !== undefined) settled.push(call().catch(() => undefined));
      };
      for (let n = 0; n < 150; n++) act();
      await new Promise((resolve) => setTimeout(resolve, random() * 80));
      for (let n = 0; n < 150; n++) act();
      const closed = app.close();
      for (let n = 0; n < 50; n++) act();
      await closed;
      await Promise.all(settled);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(unhandled).toEqual([]);
  });

  it('control: one that is left is noticed', async () => {
    void Promise.reject(new Error('left'));
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(unhandled).toHaveLength(1);
  });
});
