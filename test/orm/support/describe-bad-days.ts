import { randomUUID } from 'node:crypto';
import { ConfigurationError, UnkeyableArgumentError } from 'nestjs-async-cache';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { startPostgres } from '../../support/postgres-server.js';
import { FROZEN, type OrmUnderTest, type RowReads } from './orm-under-test.js';
import { usePostgres } from './postgres.js';

/** What must hold for every ORM when something is wrong. */
export function describeBadDays(orm: OrmUnderTest): void {
  const postgres = usePostgres();
  const ann = orm.where({ id: 1 });
  const bob = orm.where({ id: 2 });

  describe('bad days', () => {
    it('with a database that is down stale rows are served, and a miss gets the error of the ORM', async () => {
      const server = await startPostgres();
      onTestFinished(() => server.stop());
      const { users, events } = await orm.start(server);
      const read = () => users.getJob.read(...ann);
      await read();
      await server.kill();
      await users.invalidate(1);
      expect(await read()).toMatchObject({ status: 'stale', value: { name: 'Ann' } });
      await expect.poll(() => events.some(({ type }) => type === 'refresh-failed')).toBe(true);
      expect(await read()).toMatchObject({ status: 'stale', value: { name: 'Ann' } });
      await expect(users.get(...bob)).rejects.toThrow(orm.down);
      await server.restart();
      await expect.poll(async () => (await read()).status).toBe('hit');
      expect((await users.get(...bob)).name).toBe('Bob');
    });

    it('a row that is not there is the error of the ORM, on each read, and is not stored', async () => {
      const { users, queries } = await orm.start(postgres.server);
      await queries('account');
      const nobody = orm.where({ username: 'nobody' });
      for (let read = 0; read < 2; read++) await expect(users.get(...nobody)).rejects.toMatchObject(orm.notFound);
      expect(await queries('account')).toBe(2);
      expect(await users.getJob.peek(...nobody)).toBeUndefined();
    });

    it('a row that is gone is gone from the cache, too', async () => {
      const { users, remove } = await orm.start(postgres.server);
      await users.get(...bob);
      await remove(2);
      const found = () =>
        users.get(...bob).then(
          () => 'found',
          (error: unknown) => error,
        );
      await expect.poll(found).toMatchObject(orm.notFound);
    });

    it('two modules that register users with the same options share their reads', async () => {
      const { users, app } = await orm.start(postgres.server, { imports: [orm.feature({ ttl: 3_600 })] });
      const found = app.get<RowReads>(orm.token, { strict: false, each: true });
      expect(found).toHaveLength(2);
      for (const each of found) expect(each.getJob).toBe(users.getJob);
    });

    it('two modules that register users with other options do not let the application start', async () => {
      const start = orm.start(postgres.server, { imports: [orm.feature({ ttl: 60 })] });
      await expect(start).rejects.toThrow(ConfigurationError);
      await expect(start).rejects.toThrow(new RegExp(`Two modules register ${orm.entity} with AsyncCache\\w+Module`));
    });

    it('two jobs of one entity and different options need names of their own', async () => {
      const providers = (['5m', '6m'] as const).map((ttl) => ({ provide: ttl, useValue: orm.getJob({ ttl }) }));
      await expect(orm.start(postgres.server, { providers })).rejects.toThrow(ConfigurationError);
    });

    it('with enabled: false reads go to the database, and what cannot be keyed is still refused', async () => {
      const { users, queries, rename } = await orm.start(postgres.server, { options: { enabled: false } });
      await queries('account');
      for (let read = 0; read < 3; read++) expect((await users.get(...ann)).name).toBe('Ann');
      expect(await queries('account')).toBe(3);
      await users.invalidate(1);
      await rename(1, 'Anna');
      expect((await users.get(...ann)).name).toBe('Anna');
      await expect(users.get(...orm.where({ username: undefined }))).rejects.toThrow(UnkeyableArgumentError);
    });

    it('undefined in conditions is refused by get, filter and count, and nothing is asked', async () => {
      const { users, queries } = await orm.start(postgres.server);
      await queries('account');
      const where = orm.where({ username: undefined });
      for (const read of [users.get(...where), users.filter(...where), users.count(...where)]) {
        await expect(read).rejects.toThrow(UnkeyableArgumentError);
        await expect(read).rejects.toThrow(/undefined/);
      }
      expect(await queries('account')).toBe(0);
    });

    it('after a migration another version reads again, and without one what was stored is still served', async () => {
      const options = { connection: { url: inject('redisUrl') }, prefix: `test-${randomUUID()}` };
      const before = await orm.start(postgres.server, { options });
      expect((await before.users.get(...ann)).name).toBe('Ann');
      const after = async (version?: number) => {
        const { users, database } = await orm.start(postgres.server, {
          options,
          feature: version === undefined ? {} : { version },
        });
        await postgres.server.query('UPDATE account SET name = upper(name)', database);
        const { status, value } = await users.getJob.read(...ann);
        return [status === 'miss', value.name];
      };
      // The entry may be stale: some of these applications fill their database by writes that are reported.
      expect(await after()).toEqual([false, 'Ann']);
      expect(await after(2)).toEqual([true, 'ANN']);
    });

    it('a huge result is read, stored and has few tags: a write of any of its rows makes it stale', async () => {
      const { users, add, rename, queries } = await orm.start(postgres.server, FROZEN);
      await add(Array.from({ length: 5_000 }, (_, index) => `name ${String(index)}`));
      await queries('account');
      for (let read = 0; read < 2; read++) expect(await users.filter()).toHaveLength(5_002);
      expect(await queries('account')).toBe(1);
      expect((await users.filterJob.peek())?.tags.length).toBeLessThan(110);
      await rename(4_000, 'renamed');
      expect((await users.filterJob.read()).status).toBe('stale');
    });

    it('options of an entity are those of its jobs, and tags of the user are beside those of the entity', async () => {
      const job = orm.getJob({ name: 'Extra', ttl: 60, grace: 5, tags: ['own'], version: 2 });
      await orm.start(postgres.server, { providers: [{ provide: 'extra', useValue: job }] });
      const extra = job as unknown as RowReads['getJob'];
      await extra.read(...ann);
      const entry = await extra.peek(...ann);
      expect(entry?.tags).toEqual([orm.entity, `${orm.entity}:1`, 'own']);
      expect(Number(entry?.freshUntil) - Number(entry?.storedAt)).toBe(60_000);
      expect(Number(entry?.staleUntil) - Number(entry?.freshUntil)).toBe(5_000);
      expect((await extra.explain(...ann)).key).toContain('@2:');
    });
  });
}
