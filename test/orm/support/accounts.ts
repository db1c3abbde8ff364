import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, it } from 'vitest';
import type { PostgresServer } from '../../support/postgres-server.js';
import { OrmProcess, type OrmProcessOptions } from './orm-process.js';
import { queryCounter, usePostgres } from './postgres.js';

interface Accounts {
  readonly database: string;
  start(given?: Partial<OrmProcessOptions>): Promise<OrmProcess>;
  /** How often the database was asked for accounts since the last call. */
  selects(): Promise<number>;
}

/** A database with accounts of 100, and processes of one ORM on it. */
async function openAccounts(server: PostgresServer, script: URL, count: number): Promise<Accounts> {
  const database = `accounts_${randomUUID().slice(0, 8)}`;
  const databaseUrl = await server.createDatabase(database);
  await server.query(
    `CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL, at timestamptz NOT NULL DEFAULT now())`,
    database,
  );
  await server.query(`INSERT INTO account SELECT id, 100 FROM generate_series(1, ${String(count)}) id`, database);
  const options = { script, redisUrl: inject('redisUrl'), prefix: `test-${randomUUID()}`, databaseUrl };
  const asked = queryCounter(server, databaseUrl);
  return {
    database,
    start: (given = {}) => OrmProcess.start({ ...options, ...given }),
    selects: () => asked('account'),
  };
}

/** Transactions of a race. More for a figure: `TRANSACTIONS=1000`. */
const ROUNDS = Number(process.env['TRANSACTIONS'] ?? 100);
const KEYS = 5;
/**
 * Milliseconds by which a copy near the reader may be late: Redis reports a change beside the answer to the process that made
 * it.
 */
const MOMENTS = 500;

interface RaceOptions {
  readonly breaks?: 'invalidation';
  /** Ends the race before its last transaction. */
  readonly isOver?: (seen: { readonly oldHits: number }) => boolean;
}

/**
 * Transactions of one process, every other one rolled back, and readers in three, which compare hits with what they know. The
 * worker has no copies near it, so nothing excuses what it reads.
 */
async function race({ start }: Accounts, { breaks, isOver: isEnough = () => false }: RaceOptions = {}) {
  const writer = await start({ worker: false, ...(breaks === undefined ? {} : { breaks }) });
  const [reader, worker] = [await start({ worker: false }), await start({ near: false })];
  const committed = new Map<number, number>();
  const acknowledged = new Map<number, number>();
  const seen = { reads: 0, oldHits: 0, momentsLate: 0 };
  let isOver = false;
  const readOn = async (process: OrmProcess): Promise<void> => {
    for (let turn = 0; !isOver; turn++) {
      const id = 1 + (turn % KEYS);
      // What had been acknowledged before the read began is the least that a hit may show.
      const least = committed.get(id) ?? 100;
      const late = performance.now() - (acknowledged.get(id) ?? -Infinity);
      const { status, value } = await process.read(id);
      seen.reads++;
      if (status !== 'hit' || value.balance >= least) continue;
      if (process !== worker && late < MOMENTS) seen.momentsLate++;
      else seen.oldHits++;
    }
  };
  const readers = [reader, reader, worker, writer].map(readOn);
  for (let round = 1; round <= ROUNDS && !isEnough(seen); round++) {
    const id = 1 + (round % KEYS);
    if (round % 2 === 0) await writer.call('rollBack', id, 1_000_000 + round);
    else {
      await writer.call(round % 3 === 0 ? 'update' : 'save', id, 100 + round);
      committed.set(id, 100 + round);
      acknowledged.set(id, performance.now());
    }
  }
  isOver = true;
  await Promise.all(readers);
  const { reads, oldHits, momentsLate } = seen;
  console.log(
    `races: ${String(ROUNDS)} transactions, ${String(reads)} reads, ${String(oldHits)} old hits, ${String(momentsLate)} by copies less than ${String(MOMENTS)} ms late`,
  );
  return { ...seen, committed, writer, reader };
}

/** What must hold for every ORM in web and worker processes. @param script the application of the ORM. */
export function describeProcesses(script: URL): void {
  const postgres = usePostgres();

  it('a stale row is refreshed by the worker, as the instance that it was, and the web process runs no query', async () => {
    const { start, selects } = await openAccounts(postgres.server, script, 1);
    const [web, worker] = [await start({ worker: false }), await start()];
    for (let read = 0; read < 5; read++) {
      for (const process of [web, worker]) {
        expect((await process.read(1)).value).toEqual({ balance: 100, double: 200, isDate: true });
      }
      await web.call('readAll', [1, 2]);
    }
    expect(await selects()).toBe(2);
    await web.call('save', 1, 101);
    await selects();
    expect(await web.read(1)).toMatchObject({ status: 'stale', value: { balance: 100 } });
    await expect
      .poll(() => web.read(1))
      .toMatchObject({ status: 'hit', value: { balance: 101, double: 202, isDate: true } });
    expect(await web.call('readAll', [1, 2])).toBe('stale');
    await expect.poll(() => web.call('readAll', [2, 1])).toBe('hit');
    expect(await selects()).toBe(2);
    // Without a worker nobody asks the database: the web process only requests.
    await worker.call('close');
    await web.call('update', 1, 102);
    await selects();
    for (let read = 0; read < 5; read++) expect((await web.read(1)).status).toBe('stale');
    expect(await selects()).toBe(0);
  }, 60_000);

  it('races: after an acknowledged commit no reader of another process is told an old value as a hit', async () => {
    const { reads, oldHits, committed, writer, reader } = await race(await openAccounts(postgres.server, script, KEYS));
    expect(reads).toBeGreaterThan(ROUNDS);
    expect(oldHits).toBe(0);
    // Nothing of a rollback is ever seen, and none of them makes anything stale.
    for (let id = 1; id <= KEYS; id++) {
      await expect.poll(async () => (await reader.read(id)).status).toBe('hit');
      expect((await reader.read(id)).value.balance).toBe(committed.get(id) ?? 100);
    }
    for (let round = 0; round < 20; round++) await writer.call('rollBack', 1 + (round % KEYS), 1_000_000);
    for (let id = 1; id <= KEYS; id++) expect((await reader.read(id)).status).toBe('hit');
  }, 300_000);

  it('control: without the invalidation the same race shows old hits', async () => {
    const isOver =
      process.env['TRANSACTIONS'] === undefined ? (seen: { oldHits: number }) => seen.oldHits > 0 : undefined;
    const accounts = await openAccounts(postgres.server, script, KEYS);
    const { oldHits } = await race(accounts, { breaks: 'invalidation', ...(isOver && { isOver }) });
    expect(oldHits).toBeGreaterThan(0);
  }, 300_000);
}

/** Milliseconds for which an old value may be a hit. */
const BOUND = 30_000;
/** Milliseconds for which a machine that is busy with other work may take to start one process. */
const START = 15_000;

/**
 * What must hold when processes of an ORM die between a commit and its invalidation.
 *
 * @param usualKills more for a figure: `KILLS=40`
 */
export function describeDeaths(script: URL, usualKills: number): void {
  const kills = Number(process.env['KILLS'] ?? usualKills);
  // Without the mark each kill shows the same, and each costs the start of a process.
  const fewKills = Number(process.env['KILLS'] ?? 3);
  const postgres = usePostgres();

  /** Writers are killed by SIGKILL before they invalidate. How many of their rows are old hits after 30 s? */
  async function oldHitsAfterDeaths(kills: number, breaks?: 'mark'): Promise<number> {
    const { start, database } = await openAccounts(postgres.server, script, kills);
    const [reader, worker] = [await start({ worker: false }), await start()];
    const ids = Array.from({ length: kills }, (_, index) => index + 1);
    for (const id of ids) await reader.read(id);
    const writers: OrmProcess[] = [];
    // A few at a time: each computes for seconds until it is there.
    while (writers.length < kills) {
      const few = Array.from({ length: Math.min(4, kills - writers.length) }, () =>
        start({ worker: false, ...(breaks && { breaks }) }),
      );
      writers.push(...(await Promise.all(few)));
    }
    // All at once: where an ORM tells only the table, the first mark that is due would make every row stale.
    await Promise.all(
      writers.map(async (writer, index) => {
        await expect(writer.call('saveAndDie', ids[index], 200)).rejects.toThrow('The process is gone');
        await writer.gone();
      }),
    );
    const [row] = await postgres.server.query<{ sum: string }>('SELECT sum(balance) FROM account', database);
    expect(Number(row?.sum)).toBe(200 * kills);
    // Nobody has invalidated, so every value is an old hit now.
    const before = await Promise.all(ids.map((id) => reader.read(id)));
    expect(before.at(-1)).toMatchObject({ status: 'hit', value: { balance: 100 } });
    await sleep(BOUND);
    const after = await Promise.all(ids.map((id) => reader.read(id)));
    await worker.call('close');
    return after.filter(({ status, value }) => status === 'hit' && value.balance === 100).length;
  }

  it(
    'a process that dies between its commit and its invalidation leaves no old value that is a hit 30 s later',
    async () => {
      const oldHits = await oldHitsAfterDeaths(kills);
      console.log(`deaths: ${String(kills)} kills, ${String(oldHits)} old hits`);
      expect(oldHits).toBe(0);
    },
    300_000 + kills * START,
  );

  it(
    'control: without the mark they are all hits',
    async () => {
      expect(await oldHitsAfterDeaths(fewKills, 'mark')).toBe(fewKills);
    },
    300_000 + kills * START,
  );
}
