import { UnkeyableArgumentError } from 'nestjs-async-cache';
import { describe, expect, it } from 'vitest';
import type { OrmUnderTest, RowJob, TestedApp } from './orm-under-test.js';
import { usePostgres } from './postgres.js';

type Args = readonly unknown[];

/** The reads of one ORM. */
export interface Reads<App> {
  /** Asks the ORM itself. */
  ask(app: App, kind: 'get' | 'filter', args: Args): Promise<unknown>;
  /** A row or rows in a form that can be compared. *Default:* as it is. */
  plain?(value: unknown): unknown;
  /** Arguments of `filter`, in an order by id. */
  readonly conditions: (app: App) => readonly Args[];
  /** Arguments of `filter` that mean the same. */
  readonly same: (app: App) => readonly (readonly [Args, Args])[];
  /** Arguments of `filter` of which each means something else. */
  readonly different: (app: App) => readonly Args[];
  /** Arguments of `get` that are refused, and the path in the error. */
  readonly refused: readonly (readonly [title: string, args: (app: App) => unknown[], path: string, index?: number])[];
}

/** What reads of every ORM return, and what their keys are made of. */
export function describeReads<App>(orm: OrmUnderTest, reads: Reads<App>): void {
  const postgres = usePostgres();
  const ann = orm.where({ id: 1 });
  const { ask, plain = (value) => value } = reads;
  const start = async () => {
    const app = await orm.start(postgres.server);
    return { ...app, own: app as unknown as App };
  };

  describe('reads', () => {
    it('ten are one query, and return what the ORM does', async () => {
      const { users, queries, own } = await start();
      const where = orm.where({ username: 'ann' });
      const expected = plain(await ask(own, 'get', where));
      await queries('account');
      for (let read = 0; read < 10; read++) expect(plain(await users.get(...where))).toEqual(expected);
      expect(await queries('account')).toBe(1);
    });

    it('of many rows and of their number, too', async () => {
      const { users, add, queries, own } = await start();
      await add(['Foo', 'Foo bar', 'Bar']);
      const where = orm.where({ isStaff: false });
      const expected = (plain(await ask(own, 'filter', where)) as { name: string }[]).map(({ name }) => name).sort();
      await queries('account');
      for (let read = 0; read < 10; read++) {
        expect((await users.filter(...where)).map(({ name }) => name).sort()).toEqual(expected);
        expect(await users.count(...where)).toBe(4);
      }
      expect(await queries('account')).toBe(2);
      expect(await users.filter(...orm.where({ name: 'nobody' }))).toEqual([]);
      expect(await users.filter()).toHaveLength(5);
      expect(await users.count()).toBe(5);
    });

    it('each condition finds what it finds in the ORM', async () => {
      const { users, own } = await start();
      for (const args of reads.conditions(own)) {
        const expected = plain(await ask(own, 'filter', args));
        for (let read = 0; read < 2; read++) expect(plain(await users.filter(...args))).toEqual(expected);
      }
    });
  });

  describe('keys', () => {
    const keyOf = async (job: RowJob<unknown>, args: Args) => (await job.explain(...args)).key;

    it('are made of what arguments mean', async () => {
      const { users, own } = await start();
      for (const [one, other] of reads.same(own)) {
        expect(await keyOf(users.filterJob, one)).toBe(await keyOf(users.filterJob, other));
      }
      const different = await Promise.all(reads.different(own).map((args) => keyOf(users.filterJob, args)));
      expect(new Set(different).size).toBe(different.length);
    });

    it.each(reads.refused.map((each) => [...each] as const))(
      '%s is refused at the call',
      async (_, args, path, index = 0) => {
        const { users, queries, own } = await start();
        const given = args(own);
        await queries('account');
        const failure: unknown = await users.get(...given).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(UnkeyableArgumentError);
        expect(failure).toMatchObject({ path, job: `default.${orm.entity}.get`, index });
        expect(await queries('account')).toBe(0);
      },
    );
  });

  describe('what readers get', () => {
    it('is their own, and can be changed', async () => {
      const { users } = await start();
      await users.get(...ann);
      const mine = await users.get(...ann);
      mine.name = 'Anna';
      expect((await users.get(...ann)).name).toBe('Ann');
    });

    it('with readOnly is one frozen row for all', async () => {
      const { users } = await orm.start(postgres.server, { feature: { readOnly: true } });
      await users.get(...ann);
      const [one, other] = [await users.get(...ann), await users.get(...ann)];
      expect(one).toBe(other);
      expect(() => (one.name = 'x')).toThrow(TypeError);
    });
  });

  describe('jobs that take the model', () => {
    it('are providers as values and from factories', async () => {
      const byFactory = Symbol('by factory');
      const providers = [
        { provide: 'by value', useValue: orm.getJob({ name: 'UserByValue', ttl: '5m' }) },
        { provide: byFactory, useFactory: () => orm.filterJob({ name: 'UsersByFactory' }) },
      ];
      const { app, cache, queries } = await orm.start(postgres.server, { providers });
      await queries('account');
      for (let read = 0; read < 5; read++) {
        const job = app.get<TestedApp['users']['getJob']>('by value');
        expect((await job.read(...ann)).value.name).toBe('Ann');
        const staff = app.get<TestedApp['users']['filterJob']>(byFactory);
        expect((await staff.read(...orm.where({ isStaff: true }))).value.map(({ name }) => name)).toEqual(['Ann']);
      }
      expect(await queries('account')).toBe(2);
      const named = ['UserByValue', 'UsersByFactory', `default.${orm.entity}.get`];
      expect(cache.jobs().map(({ name }) => name)).toEqual(expect.arrayContaining(named));
    });
  });
}
