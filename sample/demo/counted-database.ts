import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { PostgresProcess } from './postgres-process.js';

/** The kinds of processes. Each connects as a role of its own, and the database counts by role. */
export const ROLES = ['web', 'worker'] as const;
export type Role = (typeof ROLES)[number];

/** How many statements read rows of the tables, by the database's own count. */
export interface ReadCounts {
  readonly web: number;
  readonly worker: number;
  /** The time that the database worked on them. */
  readonly milliseconds: number;
}

const IDLE_WITHIN_MS = 30_000;
const BLOCKED_WITHIN_MS = 10_000;

/** One database, and what its server knows of it. */
export class CountedDatabase {
  private constructor(
    private readonly postgres: PostgresProcess,
    private readonly name: string,
    private readonly client: Client,
  ) {}

  static async open(postgres: PostgresProcess, name: string): Promise<CountedDatabase> {
    return new CountedDatabase(postgres, name, await postgres.connect('postgres'));
  }

  /** Waits until nothing runs, since a statement is counted when it ends. */
  async reads(): Promise<ReadCounts> {
    await this.#until('the database is idle', IDLE_WITHIN_MS, () => this.#isIdle());
    const { rows } = await this.client.query<{ role: Role; calls: string; milliseconds: number }>(
      `SELECT rolname AS role, sum(calls) AS calls, sum(total_exec_time) AS milliseconds
       FROM pg_stat_statements AS s JOIN pg_roles AS r ON r.oid = s.userid JOIN pg_database AS d ON d.oid = s.dbid
       WHERE datname = $1 AND query ~* '^\\s*(SELECT|WITH)' AND query ~* 'FROM\\s+("?public"?\\.)?"?(country|division|city)\\y'
       GROUP BY rolname`,
      [this.name],
    );
    const of = (role: Role): number => Number(rows.find((row) => row.role === role)?.calls ?? 0);
    return {
      web: of('web'),
      worker: of('worker'),
      milliseconds: rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
    };
  }

  /** What was read since then. */
  async readsSince(before: ReadCounts): Promise<ReadCounts> {
    const now = await this.reads();
    return {
      web: now.web - before.web,
      worker: now.worker - before.worker,
      milliseconds: now.milliseconds - before.milliseconds,
    };
  }

  /** Locks the row of a city, so that a transaction that writes it has to wait. Returns what releases it. */
  lockCity(id: number): Promise<() => Promise<void>> {
    return this.#lock('SELECT FROM city WHERE id = $1 FOR UPDATE', [id]);
  }

  /** Locks all cities, so that whatever reads them from the database has to wait. Returns what releases them. */
  lockCities(): Promise<() => Promise<void>> {
    return this.#lock('LOCK TABLE city IN ACCESS EXCLUSIVE MODE');
  }

  /** Waits until a process of this kind waits for a lock. */
  async blocked(role: Role): Promise<void> {
    await this.#until(`a ${role} waits for a lock`, BLOCKED_WITHIN_MS, async () => {
      const { rowCount } = await this.client.query(
        `SELECT FROM pg_stat_activity WHERE datname = $1 AND usename = $2 AND wait_event_type = 'Lock'`,
        [this.name, role],
      );
      return rowCount === 1;
    });
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  async #lock(statement: string, parameters: readonly number[] = []): Promise<() => Promise<void>> {
    const client = await this.postgres.connect(this.name);
    await client.query('BEGIN');
    await client.query(statement, [...parameters]);
    return () => client.end();
  }

  async #isIdle(): Promise<boolean> {
    const { rowCount } = await this.client.query(
      `SELECT FROM pg_stat_activity WHERE datname = $1 AND usename = ANY($2) AND state = 'active'`,
      [this.name, ROLES],
    );
    return rowCount === 0;
  }

  async #until(what: string, milliseconds: number, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + milliseconds;
    while (!(await isSo())) {
      if (performance.now() > deadline) throw new Error(`Waited ${milliseconds / 1000} s in vain until ${what}.`);
      await sleep(10);
    }
  }
}
