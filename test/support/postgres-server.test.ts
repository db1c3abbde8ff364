import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from './postgres-server.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

it('answers on a port of its own and counts the statements that it runs', async () => {
  await server.createDatabase('counted');
  await server.query('CREATE TABLE thing (id int)', 'counted');
  expect(await server.calls('from thing')).toBe(0);
  await server.query('SELECT id FROM thing', 'counted');
  await server.query('SELECT id FROM thing', 'counted');
  expect(await server.calls('from thing')).toBe(2);
});

it('keeps what was committed over kill and restart', async () => {
  await server.query('CREATE TABLE kept (id int)');
  await server.query('INSERT INTO kept VALUES (1)');
  const { pid } = server;
  await server.kill();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await expect(server.query('SELECT 1')).rejects.toThrow();
  await server.restart();
  expect(await server.query('SELECT id FROM kept')).toEqual([{ id: 1 }]);
});

it('ends at stop', async () => {
  const own = await startPostgres();
  const { pid } = own;
  await own.stop();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
