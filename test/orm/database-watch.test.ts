import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AsyncCache, AsyncCacheModule, type CacheEvent, ConfigurationError } from 'nestjs-async-cache';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AsyncCacheRuntime } from '../../lib/nest/async-cache-runtime.js';
import { repositoryToken } from '../../lib/orm/repository-token.js';
import type { EntityJobOptions } from '../../lib/orm/orm.js';
import { RecordingLogger } from '../nest/support/start-app.js';
import {
  MemoryDatabase,
  MemoryFilterJob,
  MemoryGetJob,
  MemoryOrmModule,
  type MemoryRepository,
  MemoryRowOf,
  NoSuchRow,
} from './support/memory-orm.js';

const RUNTIME = Symbol.for('nestjs-async-cache runtime');
const LATER = { ttl: 3_600, queue: { delay: '1h' } } as const;

async function start(database = new MemoryDatabase(), options: EntityJobOptions = LATER, enabled = true) {
  @Global()
  @Module({ providers: [{ provide: 'DATABASE', useValue: database }], exports: ['DATABASE'] })
  class DatabaseModule {}
  const app = await Test.createTestingModule({
    imports: [AsyncCacheModule.forRoot({ enabled }), DatabaseModule, MemoryOrmModule.forFeature(options)],
  })
    .setLogger(new RecordingLogger())
    .compile();
  await app.init();
  onTestFinished(() => app.close());
  const users = app.get<MemoryRepository>(repositoryToken(MemoryRowOf, 'User'), { strict: false });
  const events: CacheEvent[] = [];
  app.get(AsyncCache).events$.subscribe((event) => events.push(event));
  const { cache } = app.get<AsyncCacheRuntime>(RUNTIME, { strict: false });
  const isStale = async (id: number) => (await users.getJob.peek({ id }))?.status === 'stale';
  return { app, database, users, events, cache, isStale };
}

describe('an adapter', () => {
  it('gives facts, and the shared code caches, keys, refuses and invalidates', async () => {
    const { database, users, isStale } = await start();
    for (let read = 0; read < 3; read++) {
      expect((await users.get({ id: 1 })).name).toBe('Ann');
      expect(await users.filter({ name: 'Bob' })).toEqual([{ id: 2, name: 'Bob' }]);
      expect(await users.count()).toBe(2);
    }
    expect(database.reads).toBe(3);
    await expect(users.get({ id: 9 })).rejects.toBeInstanceOf(NoSuchRow);
    await expect(users.get({ id: undefined })).rejects.toThrow(/undefined/);
    await expect(users.get({ id: 1 }, { lock: true })).rejects.toThrow(/locks rows/);
    await users.get({ id: 2 });
    await database.write(2, 'Rob');
    expect([await isStale(1), await isStale(2)]).toEqual([false, true]);
    expect((await users.filterJob.peek({ name: 'Bob' }))?.status).toBe('stale');
  });

  it('is asked for a database by its token, and the error names what to import', async () => {
    const job = new MemoryGetJob(MemoryRowOf, { dataSource: 'archive' });
    expect(job.name).toBe('archive.User.get');
    expect(() => job.fetch({ id: 1 })).toThrow(ConfigurationError);
    expect(() => job.fetch({ id: 1 })).toThrow(/'archive', which this application does not have.*provides DATABASE/s);
    class Staff extends MemoryFilterJob {}
    expect(new Staff().name).toBe('Staff');
  });
});

describe('transactions that an ORM tells by a promise', () => {
  it('invalidate after the commit, are those of reads inside of them, and store nothing', async () => {
    const { database, users, isStale } = await start();
    await users.get({ id: 1 });
    await database.transaction(async (transaction) => {
      await database.write(1, 'Anna', transaction);
      expect(await isStale(1)).toBe(false);
      expect((await users.get({ id: 1 })).name).toBe('Anna');
    });
    expect(await isStale(1)).toBe(true);
  });

  it('that are rolled back invalidate nothing', async () => {
    const { database, users, isStale } = await start();
    await users.get({ id: 1 });
    const failing = database.transaction(async (transaction) => {
      await database.write(1, 'Anna', transaction);
      throw new Error('No');
    });
    await expect(failing).rejects.toThrow('No');
    expect(await isStale(1)).toBe(false);
  });

  it('whose commit fails invalidate, since the database may have done it before the connection was lost', async () => {
    const { database, users, isStale } = await start();
    await users.get({ id: 1 });
    database.failsToCommit = true;
    const failing = database.transaction((transaction) => database.write(1, 'Anna', transaction));
    await expect(failing).rejects.toThrow('The commit failed');
    expect(await isStale(1)).toBe(true);
  });
});

describe('several applications on one database', () => {
  it('are each told, and each decides for itself whether writes invalidate', async () => {
    const database = new MemoryDatabase();
    const [one, other] = [await start(database), await start(database)];
    const exempt = await start(database, { ...LATER, invalidate: false });
    for (const { users } of [one, other, exempt]) await users.get({ id: 1 });
    await database.transaction((transaction) => database.write(1, 'Anna', transaction));
    expect([await one.isStale(1), await other.isStale(1), await exempt.isStale(1)]).toEqual([true, true, false]);
  });

  it('without the cache a read inside of a transaction still sees what the transaction wrote', async () => {
    const { database, users } = await start(new MemoryDatabase(), LATER, false);
    await database.transaction(async (transaction) => {
      await database.write(1, 'Anna', transaction);
      expect((await users.get({ id: 1 })).name).toBe('Anna');
    });
  });
});

describe('marks of doubtful writes', () => {
  const refused = new Error('The queue is away');

  it('are set before the commit and withdrawn after the invalidation', async () => {
    const { database, cache } = await start();
    const told: string[] = [];
    vi.spyOn(cache, 'entrust').mockImplementation(async (_name, _target, [, tags]) => {
      told.push(`mark ${String(tags)}, ${String(database.rows.get(1)?.name)}`);
      return async () => void told.push('withdraw');
    });
    vi.spyOn(cache, 'invalidateTags').mockImplementation(async (tags) => void told.push(`invalidate ${String(tags)}`));
    await database.transaction((transaction) => database.write(1, 'Anna', transaction));
    expect(told).toEqual(['mark User:1,User:*, Ann', 'invalidate User:1,User:*', 'withdraw']);
  });

  it('with a queue that cannot be reached the write is committed and invalidated, and one report is made', async () => {
    const { database, users, cache, events, isStale } = await start();
    await users.get({ id: 1 });
    const entrust = vi.spyOn(cache, 'entrust').mockRejectedValue(refused);
    const write = (name: string) => database.transaction((transaction) => database.write(1, name, transaction));
    for (const name of ['Anna', 'Anne']) await write(name);
    expect(database.rows.get(1)?.name).toBe('Anne');
    expect(await isStale(1)).toBe(true);
    const reports = () => events.filter(({ type }) => type === 'queue-failed');
    expect(reports()).toHaveLength(1);
    expect(reports()[0]).toMatchObject({ job: 'nestjs-async-cache.doubtful-writes', error: refused });
    // Another outage is another report.
    entrust.mockResolvedValueOnce(undefined);
    await write('Annie');
    await write('Ann');
    expect(reports()).toHaveLength(2);
  });

  it('with a store that cannot be reached the write is committed, and the mark stays', async () => {
    const { database, cache, events } = await start();
    let withdrawn = 0;
    vi.spyOn(cache, 'entrust').mockResolvedValue(async () => void withdrawn++);
    vi.spyOn(cache, 'invalidateTags').mockRejectedValue(refused);
    await database.transaction((transaction) => database.write(1, 'Anna', transaction));
    expect(database.rows.get(1)?.name).toBe('Anna');
    expect(withdrawn).toBe(0);
    expect(events.filter(({ type }) => type === 'invalidation-failed')).toMatchObject([
      { writer: 'Memory (default)', error: refused },
    ]);
  });
});
