import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ensurePostgres } from './ensure-postgres.js';
import { freePort } from './free-port.js';

const READY_TIMEOUT_MS = 20_000;
const PORT_ATTEMPTS = 5;

/** No write waits for the disk: after a crash of the machine, a test has nothing to lose. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track_utility': 'off',
};

export interface PostgresServer {
  readonly port: number;
  readonly pid: number;
  /** The URL of the database `postgres`, as a superuser without a password. */
  readonly url: string;
  /** Makes an empty database. Returns its URL. */
  createDatabase(name: string): Promise<string>;
  /** Runs SQL, in another database on a connection of its own. */
  query<Row extends object = Record<string, unknown>>(sql: string, database?: string): Promise<Row[]>;
  /** How often statements that match `pattern` (a regular expression of PostgreSQL) were run, in all databases. */
  calls(pattern: string): Promise<number>;
  /** Ends the server at once, connections included. What was committed is kept. */
  kill(): Promise<void>;
  /** Starts again on the same port, after `kill`. */
  restart(): Promise<void>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const programs = ensurePostgres();
  for (let attempt = 1; ; attempt++) {
    const server = new OwnPostgresServer(programs, await freePort());
    try {
      server.initialise();
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      // Another process may take the free port before PostgreSQL binds it.
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

class OwnPostgresServer implements PostgresServer {
  readonly url: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'nestjs-async-cache-postgres-'));
  /** PostgreSQL refuses to run as root. */
  readonly #user: { uid?: number; gid?: number } = process.getuid?.() === 0 ? unprivilegedUser() : {};
  readonly #killAtExit = (): void => void this.#child?.kill('SIGQUIT');
  #child: ChildProcess | undefined;
  /** To the database `postgres`, and kept: to connect costs more than most of what tests ask. */
  #connection: Promise<pg.Client> | undefined;
  #log = '';

  constructor(
    private readonly programs: string,
    readonly port: number,
  ) {
    this.url = this.#urlOf('postgres');
    process.once('exit', this.#killAtExit);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`The PostgreSQL on port ${this.port} is not running.`);
    return pid;
  }

  initialise(): void {
    const { uid, gid } = this.#user;
    if (uid !== undefined && gid !== undefined) chownSync(this.#folder, uid, gid);
    const args = ['-D', this.#folder, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
    execFileSync(join(this.programs, 'initdb'), args, { ...this.#user, cwd: this.#folder, stdio: 'pipe' });
  }

  async start(): Promise<void> {
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(join(this.programs, 'postgres'), ['-D', this.#folder, '-p', `${this.port}`, ...settings], {
      ...this.#user,
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.on('data', (text: Buffer) => (this.#log = `${this.#log}${text.toString()}`.slice(-4_000)));
    this.#child = child;
    await once(child, 'spawn');
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!(await this.#isReady())) {
      if (child.exitCode !== null)
        throw new Error(`postgres left with code ${child.exitCode} (port ${this.port}): ${this.#log}`);
      if (performance.now() > deadline)
        throw new Error(`postgres was not ready within ${READY_TIMEOUT_MS} ms (port ${this.port}): ${this.#log}`);
      await sleep(20);
    }
    // One that failed while the server was down.
    this.#connection = undefined;
    await this.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  }

  async createDatabase(name: string): Promise<string> {
    // Copying files takes a third of the time of the default, which writes the whole copy to the log first.
    await this.query(`CREATE DATABASE "${name}" TEMPLATE template0 STRATEGY FILE_COPY`);
    return this.#urlOf(name);
  }

  async query<Row extends object>(sql: string, database?: string): Promise<Row[]> {
    if (database === undefined) return rowsOf<Row>(await (this.#connection ??= connect(this.url)), sql);
    const client = await connect(this.#urlOf(database));
    try {
      return await rowsOf<Row>(client, sql);
    } finally {
      await client.end();
    }
  }

  async calls(pattern: string): Promise<number> {
    const quoted = pattern.replaceAll("'", "''");
    const [row] = await this.query<{ calls: string | null }>(
      `SELECT sum(calls) AS calls FROM pg_stat_statements WHERE query ~* '${quoted}' AND query !~ 'pg_stat_statements'`,
    );
    return Number(row?.calls ?? 0);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#connection = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    // PostgreSQL's "immediate shutdown". SIGKILL would leave its shared memory behind.
    child.kill('SIGQUIT');
    await exited;
  }

  restart(): Promise<void> {
    return this.start();
  }

  async stop(): Promise<void> {
    await this.kill();
    process.off('exit', this.#killAtExit);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The answer must come from our own data folder: another server may hold the port. */
  async #isReady(): Promise<boolean> {
    try {
      const asked = `SELECT current_setting('data_directory') AS folder`;
      const [row] = await this.query<{ folder: string }>(asked, 'postgres');
      return row?.folder === this.#folder;
    } catch {
      return false;
    }
  }

  #urlOf(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  // It ends with the server.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function rowsOf<Row extends object>(client: pg.Client, sql: string): Promise<Row[]> {
  const { rows } = await client.query<Row>(sql);
  return rows;
}

/** Debian's package makes the user `postgres`; every system has `nobody`. */
function unprivilegedUser(): { uid: number; gid: number } {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString());
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // There is no such user here.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody to run it as.');
}
