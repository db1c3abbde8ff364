import { describe, expect, it } from 'vitest';
import type { PostgresServer } from '../../support/postgres-server.js';
import { fill } from './fill.js';
import { FROZEN, LATER, type OrmAppParts, type OrmUnderTest, type RowReads } from './orm-under-test.js';
import { usePostgres } from './postgres.js';

/** The writes of one ORM, on its own application, and the reads that each makes stale. */
export interface Writes<App, Name extends string> {
  start(server: PostgresServer, parts?: OrmAppParts): Promise<App>;
  /** Fills reads of every kind, and returns what asks which of them are stale. */
  filled(app: App): Promise<() => Promise<Name[]>>;
  /** What each write makes stale. */
  readonly reported: readonly (readonly [string, (app: App) => Promise<unknown>, readonly Name[]])[];
  /** Writes of which the ORM tells nothing: each line of the table in the documentation, beside those of every ORM. */
  readonly unreported: readonly (readonly [string, (app: App) => Promise<unknown>])[];
  /** Writes a profile through the ORM. */
  readonly writeProfile: (app: App) => Promise<unknown>;
  /** Reads that a write of user 2 makes stale, and those that a write of unknown users does. */
  readonly ofBob: readonly Name[];
  readonly ofUsers: readonly Name[];
}

interface AppOnDatabase {
  readonly users: unknown;
  readonly orders: unknown;
  /** The name of its database. */
  readonly database: string;
}

/** What writes of an ORM make stale, and what they leave as it was. */
export function describeWrites<App extends AppOnDatabase, Name extends string>(
  orm: OrmUnderTest,
  { start, filled, reported, unreported, writeProfile, ofBob, ofUsers }: Writes<App, Name>,
): void {
  const postgres = usePostgres();
  const unreportedByEveryOrm: Writes<App, Name>['unreported'] = [
    [
      'another program',
      ({ database }) => postgres.server.query(`UPDATE account SET name = 'Anna' WHERE id = 1`, database),
    ],
    [
      'what a trigger changes in another table',
      async (app) => {
        await postgres.server.query(
          `CREATE FUNCTION pass_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE account SET age = 1; RETURN NEW; END $$;
           CREATE TRIGGER pass_on AFTER UPDATE ON profile FOR EACH ROW EXECUTE FUNCTION pass_on()`,
          app.database,
        );
        await writeProfile(app);
      },
    ],
  ];
  const ann = orm.where({ id: 1 });
  const bob = orm.where({ id: 2 });

  describe('a write makes stale', () => {
    it.each(reported)('%s', async (_, write, expected) => {
      const app = await start(postgres.server, FROZEN);
      const stale = await filled(app);
      await write(app);
      expect(sorted(await stale())).toEqual(sorted(expected));
    });

    it('with nothing written, nothing', async () => {
      const stale = await filled(await start(postgres.server, FROZEN));
      expect(await stale()).toEqual([]);
    });
  });

  describe('what the ORM does not report stays as it was', () => {
    it.each([...unreported, ...unreportedByEveryOrm])('%s', async (_, write) => {
      const app = await start(postgres.server, FROZEN);
      const { users, orders } = readsOf(app);
      const stale = await fill({ ann: () => users.getJob.read(...ann), orders: () => orders.filterJob.read() });
      await write(app);
      expect(await stale()).toEqual([]);
      await users.invalidate(1);
      expect(await stale()).toEqual(['ann']);
    });
  });

  describe('by hand', () => {
    it('invalidate(id) makes stale what a write of the row would, invalidate() all reads of the entity', async () => {
      const app = await start(postgres.server, FROZEN);
      const { users } = readsOf(app);
      const stale = await filled(app);
      await users.invalidate(2);
      expect(sorted(await stale())).toEqual(sorted(ofBob));
      await users.invalidate();
      expect(sorted(await stale())).toEqual(sorted(ofUsers));
    });

    it('its tags are those of the contract', async () => {
      const { users, cache } = await orm.start(postgres.server, FROZEN);
      const stale = await fill({
        ann: () => users.getJob.read(...ann),
        bob: () => users.getJob.read(...bob),
        all: () => users.filterJob.read(),
      });
      await cache.invalidateTags(`${orm.entity}:2`);
      expect(await stale()).toEqual(['bob', 'all']);
      await cache.invalidateTags(orm.entity);
      expect(await stale()).toEqual(['ann', 'bob', 'all']);
    });

    it('invalidate: false leaves an entity to its ttl', async () => {
      const feature = { ...LATER, invalidate: false };
      const { users, orders, rename, add, writeOther } = await orm.start(postgres.server, { feature });
      const stale = await fill({
        ann: () => users.getJob.read(...ann),
        all: () => users.filterJob.read(),
        orders: () => orders.filterJob.read(),
      });
      await rename(1, 'Anna');
      await add(['new']);
      await writeOther();
      expect(await stale()).toEqual([]);
      await users.invalidate(1);
      expect(await stale()).toEqual(['ann', 'all']);
    });
  });
}

/** The reads of an application without the types of its ORM. */
function readsOf({ users, orders }: { readonly users: unknown; readonly orders: unknown }) {
  return { users: users as RowReads, orders: orders as RowReads };
}

const sorted = (names: readonly string[]) => [...new Set(names)].sort();
