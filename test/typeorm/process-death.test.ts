import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, it } from 'vitest';
import { usePostgres } from './support/orm-app.js';
import { OrmProcess } from './support/orm-process.js';

const postgres = usePostgres();
const redisUrl = inject('redisUrl');
const KILLS = 12;
/** Milliseconds for which an old value may be a hit. */
const BOUND = 30_000;

/** Writers commit, and are killed by SIGKILL before they invalidate. How many of their rows are old hits after 30 s? */
async function oldHitsAfterDeaths(breaks?: 'mark'): Promise<number> {
  const database = `deaths_${randomUUID().slice(0, 8)}`;
  const databaseUrl = await postgres.server.createDatabase(database);
  await postgres.server.query(
    `CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL, at timestamptz NOT NULL DEFAULT now())`,
    database,
  );
  await postgres.server.query(
    `INSERT INTO account SELECT id, 100 FROM generate_series(1, ${String(KILLS)}) id`,
    database,
  );
  const options = { redisUrl, prefix: `test-${randomUUID()}`, databaseUrl };
  const [reader, worker] = [await OrmProcess.start({ ...options, worker: false }), await OrmProcess.start(options)];
  const ids = Array.from({ length: KILLS }, (_, index) => index + 1);
  for (const id of ids) await reader.read(id);
  for (const id of ids) {
    const writer = await OrmProcess.start({ ...options, worker: false, ...(breaks && { breaks }) });
    await expect(writer.call('saveAndDie', id, 200)).rejects.toThrow('The process is gone');
    await writer.gone();
  }
  const [row] = await postgres.server.query<{ sum: string }>('SELECT sum(balance) FROM account', database);
  expect(Number(row?.sum)).toBe(200 * KILLS);
  // Nobody has invalidated, so every value is an old hit now.
  const before = await Promise.all(ids.map((id) => reader.read(id)));
  expect(before.at(-1)).toMatchObject({ status: 'hit', value: { balance: 100 } });
  await sleep(BOUND);
  const after = await Promise.all(ids.map((id) => reader.read(id)));
  await worker.call('close');
  return after.filter(({ status, value }) => status === 'hit' && value.balance === 100).length;
}

it('a process that dies between its commit and its invalidation leaves no old value that is a hit 30 s later', async () => {
  const oldHits = await oldHitsAfterDeaths();
  console.log(`deaths: ${String(KILLS)} kills, ${String(oldHits)} old hits`);
  expect(oldHits).toBe(0);
}, 150_000);

it('control: without the mark they are all hits', async () => {
  expect(await oldHitsAfterDeaths('mark')).toBe(KILLS);
}, 150_000);
