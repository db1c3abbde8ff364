import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';
import { OrmProcess, type OrmProcessOptions } from './support/orm-process.js';
import { usePostgres } from './support/orm-app.js';

const postgres = usePostgres();
const redisUrl = inject('redisUrl');

/** A database with accounts of 100, and how often it was asked by processes. */
async function accounts(count: number) {
  const database = `accounts_${randomUUID().slice(0, 8)}`;
  const databaseUrl = await postgres.server.createDatabase(database);
  await postgres.server.query(
    `CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL, at timestamptz NOT NULL DEFAULT now())`,
    database,
  );
  await postgres.server.query(
    `INSERT INTO account SELECT id, 100 FROM generate_series(1, ${String(count)}) id`,
    database,
  );
  const options = { redisUrl, prefix: `test-${randomUUID()}`, databaseUrl };
  return {
    database,
    start: (given: Partial<OrmProcessOptions> = {}) => OrmProcess.start({ ...options, ...given }),
    selects: async () => {
      const [row] = await postgres.server.query<{ calls: string | null }>(
        `SELECT sum(calls) AS calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
         WHERE d.datname = '${database}' AND query ~* '^SELECT.*FROM "account"'`,
      );
      return Number(row?.calls ?? 0);
    },
  };
}

it('ten reads in two processes are one query; a stale row is refreshed by the worker, as the instance that it was', async () => {
  const { database, start, selects } = await accounts(1);
  const [web, worker] = [await start({ worker: false }), await start()];
  for (let read = 0; read < 5; read++) {
    for (const process of [web, worker]) {
      expect((await process.read(1)).value).toEqual({ balance: 100, double: 200, isDate: true });
    }
    await web.call('readAll', [1, 2]);
  }
  expect(await selects()).toBe(2);
  await web.call('save', 1, 101);
  const before = await selects();
  expect(await web.read(1)).toMatchObject({ status: 'stale', value: { balance: 100 } });
  await expect
    .poll(() => web.read(1), { timeout: 10_000 })
    .toMatchObject({
      status: 'hit',
      value: { balance: 101, double: 202, isDate: true },
    });
  expect(await web.call('readAll', [1, 2])).toBe('stale');
  await expect.poll(() => web.call('readAll', [2, 1]), { timeout: 10_000 }).toBe('hit');
  expect(await selects()).toBe(before + 2);
  // Without a worker nobody asks the database: the web process only requests.
  await worker.call('close');
  await web.call('update', 1, 102);
  const whileAlone = await selects();
  for (let read = 0; read < 5; read++) expect((await web.read(1)).status).toBe('stale');
  expect(await selects()).toBe(whileAlone);
  expect(database).toMatch(/^accounts_/);
}, 60_000);

const ROUNDS = 200;
const KEYS = 5;

/** Transactions of one process, every other one rolled back, and readers in three, who compare hits with what they know. */
async function race(breaks?: 'invalidation') {
  const { start } = await accounts(KEYS);
  const writer = await start({ worker: false, ...(breaks === undefined ? {} : { breaks }) });
  const [reader, worker] = [await start({ worker: false }), await start()];
  const committed = new Map<number, number>();
  const seen = { reads: 0, oldHits: 0 };
  let isOver = false;
  const readOn = async (process: OrmProcess): Promise<void> => {
    for (let turn = 0; !isOver; turn++) {
      const id = 1 + (turn % KEYS);
      // What had been acknowledged before the read began is the least that a hit may show.
      const least = committed.get(id) ?? 100;
      const { status, value } = await process.read(id);
      seen.reads++;
      if (status === 'hit' && value.balance < least) seen.oldHits++;
    }
  };
  const readers = [reader, reader, worker, writer].map(readOn);
  for (let round = 1; round <= ROUNDS; round++) {
    const id = 1 + (round % KEYS);
    if (round % 2 === 0) await writer.call('rollBack', id, 1_000_000 + round);
    else {
      await writer.call(round % 3 === 0 ? 'update' : 'save', id, 100 + round);
      committed.set(id, 100 + round);
    }
  }
  isOver = true;
  await Promise.all(readers);
  console.log(`races: ${String(ROUNDS)} transactions, ${String(seen.reads)} reads, ${String(seen.oldHits)} old hits`);
  return { ...seen, committed, writer, reader };
}

it('races: after an acknowledged commit no reader of another process is told an old value as a hit', async () => {
  const { reads, oldHits, committed, writer, reader } = await race();
  expect(reads).toBeGreaterThan(ROUNDS);
  expect(oldHits).toBe(0);
  // Nothing of a rollback is ever seen, and none of them makes anything stale.
  for (let id = 1; id <= KEYS; id++) {
    await expect.poll(async () => (await reader.read(id)).status, { timeout: 10_000 }).toBe('hit');
    expect((await reader.read(id)).value.balance).toBe(committed.get(id) ?? 100);
  }
  for (let round = 0; round < 20; round++) await writer.call('rollBack', 1 + (round % KEYS), 1_000_000);
  for (let id = 1; id <= KEYS; id++) expect((await reader.read(id)).status).toBe('hit');
}, 120_000);

it('control: without the invalidation the same race shows old hits', async () => {
  expect((await race('invalidation')).oldHits).toBeGreaterThan(0);
}, 120_000);
