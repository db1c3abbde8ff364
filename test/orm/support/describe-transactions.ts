import { Gate } from 'nestjs-async-cache/testing';
import { describe, expect, it } from 'vitest';
import { fill } from './fill.js';
import { type AnyTransaction, FROZEN, type OrmUnderTest, type TestedApp } from './orm-under-test.js';
import { usePostgres } from './postgres.js';

/** What must hold for every ORM in transactions: when writes invalidate, and what reads see. */
export function describeTransactions(orm: OrmUnderTest): void {
  const postgres = usePostgres();
  const ann = orm.where({ id: 1 });
  const start = () => orm.start(postgres.server, FROZEN);
  const filled = ({ users, readOther }: TestedApp) =>
    fill({ ann: () => users.getJob.read(...ann), other: () => readOther() });

  /** A transaction that has written, and that rolls back when it may end. */
  async function openTransaction({ transaction, rename }: TestedApp) {
    const gate = new Gate<undefined>();
    const ended = transaction(async (inside) => {
      await rename(1, 'Anna', inside);
      await gate.fetch();
      throw new Error('no');
    });
    await Promise.race([gate.started(1), ended]);
    return async () => {
      gate.release(undefined);
      await expect(ended).rejects.toThrow('no');
    };
  }

  describe('a transaction', () => {
    it('invalidates after its commit and not before', async () => {
      const app = await start();
      const stale = await filled(app);
      await app.transaction(async (inside) => {
        await app.rename(1, 'Anna', inside);
        expect((await app.users.getJob.peek(...ann))?.status).toBe('fresh');
      });
      expect(await stale()).toEqual(['ann']);
    });

    it('that rolls back invalidates nothing', async () => {
      const app = await start();
      const stale = await filled(app);
      const failing = app.transaction(async (inside) => {
        await app.rename(1, 'Anna', inside);
        await app.writeOther(inside);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await stale()).toEqual([]);
    });

    it('a savepoint that is released in a transaction that rolls back invalidates nothing', async () => {
      const app = await start();
      const stale = await filled(app);
      const failing = app.transaction(async (inside) => {
        await app.transaction((savepoint) => app.rename(1, 'Anna', savepoint), inside);
        expect((await app.users.getJob.peek(...ann))?.status).toBe('fresh');
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await stale()).toEqual([]);
    });

    it('a savepoint that is released in a transaction that commits invalidates after the outer commit', async () => {
      const app = await start();
      const stale = await filled(app);
      await app.transaction(async (inside) => {
        await app.transaction((savepoint) => app.rename(1, 'Anna', savepoint), inside);
        expect((await app.users.getJob.peek(...ann))?.status).toBe('fresh');
      });
      expect(await stale()).toEqual(['ann']);
    });

    it('a savepoint that is rolled back in a transaction that commits invalidates nothing of its own', async () => {
      const app = await start();
      const stale = await filled(app);
      await app.transaction(async (inside) => {
        await app.writeOther(inside);
        const failing = app.transaction(async (savepoint) => {
          await app.transaction((inner) => app.rename(1, 'Anna', inner), savepoint);
          throw new Error('no');
        }, inside);
        await expect(failing).rejects.toThrow('no');
      });
      expect(await stale()).toEqual(['other']);
    });

    it('does not invalidate what another writes that is open at the same time', async () => {
      const app = await start();
      const stale = await filled(app);
      const rollBack = await openTransaction(app);
      await app.transaction((inside) => app.writeOther(inside));
      expect((await app.users.getJob.peek(...ann))?.status).toBe('fresh');
      expect((await app.readOther()).status).toBe('stale');
      await rollBack();
      expect(await stale()).toEqual(['other']);
    });
  });

  describe('a read inside of a transaction', () => {
    async function expectInside({ users, rename, transaction }: TestedApp, inside: AnyTransaction): Promise<void> {
      await rename(1, 'Anna', inside);
      const anna = orm.where({ name: 'Anna' });
      expect((await users.get(...ann)).name).toBe('Anna');
      expect(await users.getJob.read(...ann)).toMatchObject({ status: 'miss', value: { name: 'Anna' } });
      expect((await users.getJob.refresh(...ann)).name).toBe('Anna');
      expect((await users.getJob.getMany([ann])).map(({ name }) => name)).toEqual(['Anna']);
      expect((await users.filter(...anna)).map(({ id }) => id)).toEqual([1]);
      expect(await users.count(...anna)).toBe(1);
      await transaction(async () => expect((await users.get(...ann)).name).toBe('Anna'), inside);
    }

    it('sees what the transaction wrote, in savepoints too, and stores nothing', async () => {
      const app = await start();
      await app.users.get(...ann);
      const failing = app.transaction(async (inside) => {
        await expectInside(app, inside);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await app.users.getJob.read(...ann)).toMatchObject({ status: 'hit', value: { name: 'Ann' } });
      expect(await app.users.filterJob.peek(...orm.where({ name: 'Anna' }))).toBeUndefined();
    });

    it('what runs beside the transaction is not inside', async () => {
      const app = await start();
      await app.users.get(...ann);
      const rollBack = await openTransaction(app);
      expect(await app.users.getJob.read(...ann)).toMatchObject({ status: 'hit', value: { name: 'Ann' } });
      expect((await app.users.get(...orm.where({ username: 'ann' }))).name).toBe('Ann');
      await rollBack();
    });
  });
}
