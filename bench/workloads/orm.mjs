import { setTimeout as sleep } from 'node:timers/promises';
import { cpuTime, openLoop, wallTime } from '../harness/load.mjs';
import { startPostgres } from '../harness/postgres-server.mjs';
import { quantile } from '../harness/statistics.mjs';

const PER_SECOND = 200;
/** Less than the query takes, so that every read of a round is a stale one. */
const ROUND_SECONDS = 0.4;

export default {
  order: 18,
  title: 'Reads of 100 rows by an ORM, and from its cached repository',
  about:
    'Microseconds of one of 1,000 reads, embedded: of the wall clock and of computing in this process by the ORM itself; of computing from the cache with rows of the reader’s own, with shared frozen rows (`readOnly`), and by a plain cached method that returns the rows. Then milliseconds of the p99 of fresh reads, and of stale reads whose query takes 500 ms, with own rows: an open loop of 200 reads a second. The method returns plain rows for Sequelize and MikroORM, whose instances only the repository can keep.',
  tiers: ['memory'],
  subjects: ['orm-typeorm', 'orm-prisma', 'orm-sequelize', 'orm-mikro-orm', 'orm-drizzle'],
  columns: [
    { key: 'ormWall', title: 'ORM, wall' },
    { key: 'orm', title: 'ORM' },
    { key: 'own', title: 'own rows', digits: 1 },
    { key: 'shared', title: 'readOnly', digits: 2 },
    { key: 'plain', title: 'plain method', digits: 2 },
    { key: 'fresh99', title: 'fresh p99, ms', digits: 2 },
    { key: 'stale99', title: 'stale p99, ms', digits: 2 },
    { key: 'ratio99', title: 'p99 stale ÷ fresh', digits: 2 },
  ],
  async measure({ open, quick }) {
    const postgres = await startPostgres();
    await postgres.query(`
      CREATE TABLE account (
        id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL, balance numeric(12, 2) NOT NULL,
        active boolean NOT NULL, at timestamptz NOT NULL
      );
      INSERT INTO account
      SELECT n, 'name ' || n, 'user' || n || '@example.org', n * 10.25, n % 2 = 0, timestamptz '2026-01-01' + n * interval '1 hour'
      FROM generate_series(1, 100) AS n;
      ANALYZE account;`);
    const orm = await open({ databaseUrl: postgres.url });
    try {
      const reads = quick ? 200 : 1_000;
      const rows = await Promise.all([orm.direct(), orm.own(), orm.shared(), orm.plain()]);
      if (!rows.every(({ length }) => length === 100)) throw new Error('not 100 rows');
      const direct = await timeReads(orm.direct, reads);
      const own = await timeReads(orm.own, reads);
      const shared = await timeReads(orm.shared, reads);
      const plain = await timeReads(orm.plain, reads);
      const load = (seconds) => openLoop(() => orm.own(), { perSecond: PER_SECOND, seconds });
      const fresh = await load(quick ? 0.5 : 2);
      await postgres.query(`
        ALTER TABLE account RENAME TO base;
        CREATE VIEW account AS SELECT base.* FROM base, pg_sleep(0.5);`);
      const latencies = [];
      let notStale = 0;
      for (let round = 0; round < (quick ? 1 : 5); round++) {
        await orm.invalidate();
        notStale += await statusIsNot('stale', orm);
        latencies.push(...(await load(ROUND_SECONDS)).latencies);
        notStale += await statusIsNot('stale', orm);
        while ((await orm.read()).status !== 'hit') await sleep(20);
      }
      const stale99 = quantile(latencies, 0.99);
      return {
        ormWall: direct.wall,
        orm: direct.cpu,
        own: own.cpu,
        shared: shared.cpu,
        plain: plain.cpu,
        fresh99: fresh.p99,
        stale99,
        ratio99: stale99 / fresh.p99,
        note: notStale > 0 ? `${notStale} looks met a value that was not stale` : undefined,
      };
    } finally {
      await orm.close();
      await postgres.stop();
    }
  },
};

/** Microseconds of one read, after a warm-up. */
async function timeReads(read, reads) {
  for (let index = 0; index < 200; index++) await read();
  const [cpu, wall] = [cpuTime(), wallTime()];
  for (let index = 0; index < reads; index++) await read();
  return { cpu: (cpuTime() - cpu) / reads / 1_000, wall: (wallTime() - wall) / reads / 1_000 };
}

async function statusIsNot(status, orm) {
  return (await orm.read()).status === status ? 0 : 1;
}
