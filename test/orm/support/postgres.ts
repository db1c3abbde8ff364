import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.js';

let used: { server: PostgresServer } | undefined;

/** One PostgreSQL for the tests of a file, however many suites of the file use it. */
export function usePostgres(): { readonly server: PostgresServer } {
  if (used !== undefined) return used;
  const postgres = { server: undefined as unknown as PostgresServer };
  beforeAll(async () => {
    postgres.server = await startPostgres();
  });
  afterAll(() => postgres.server.stop());
  used = postgres;
  return postgres;
}

let databases = 0;

export function databaseName(): string {
  return `db${String(++databases)}_${randomUUID().slice(0, 8)}`;
}

/** Returns how often a database was asked for rows of a table since the last call, counted by PostgreSQL. */
export function queryCounter(server: PostgresServer, url: string): (table: string) => Promise<number> {
  const seen = new Map<string, number>();
  return async (table) => {
    const [row] = await server.query<{ calls: string | null }>(
      `SELECT sum(calls) AS calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
       WHERE d.datname = '${new URL(url).pathname.slice(1)}' AND query ~* '^SELECT.*FROM ("public"\\.)?"${table}"'`,
    );
    const calls = Number(row?.calls ?? 0);
    const since = calls - (seen.get(table) ?? 0);
    seen.set(table, calls);
    return since;
  };
}
