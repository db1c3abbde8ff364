import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { freePort, ServerProcess } from './server-process.js';

const DEBIAN = '/usr/lib/postgresql';
const REMEDY =
  'install it with initdb, postgres and its extension pg_stat_statements, on the PATH or in POSTGRES_BIN ' +
  '(Debian: apt-get install postgresql, macOS: brew install postgresql)';

/** No write waits for the disk: after a crash of the machine, a demo has nothing to lose. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
  jit: 'off',
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track_utility': 'off',
};

/** A PostgreSQL of the demo's own, which counts the statements that it runs. */
export class PostgresProcess {
  private constructor(
    private readonly server: ServerProcess,
    private readonly port: number,
  ) {}

  /** Rejects, with what to install, where there is none. */
  static async start(): Promise<PostgresProcess> {
    const programs = findPostgres();
    if (programs === undefined) throw new Error(`There is no PostgreSQL to start: ${REMEDY}.`);
    const folder = await mkdtemp(join(tmpdir(), 'cities-postgres-'));
    // PostgreSQL refuses to run as root.
    const user = process.getuid?.() === 0 ? unprivilegedUser() : {};
    try {
      if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
      const options = ['-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
      execFileSync(join(programs, 'initdb'), ['-D', folder, ...options], { ...user, cwd: folder, stdio: 'pipe' });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    const port = await freePort();
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = await ServerProcess.start({
      name: 'postgres',
      command: [join(programs, 'postgres'), '-D', folder, '-p', `${port}`, ...settings],
      folder,
      // PostgreSQL's "immediate shutdown": connections that are still open do not hold it up.
      stopSignal: 'QUIT',
      user,
      isReady: () => answersFrom(folder, urlOf(port, 'postgres', 'postgres')),
    }).catch((error: unknown) => {
      if (!String(error).includes('pg_stat_statements')) throw error;
      throw new Error(`This PostgreSQL has no pg_stat_statements: ${REMEDY}.`, { cause: error });
    });
    return new PostgresProcess(server, port);
  }

  url(database: string, role = 'postgres'): string {
    return urlOf(this.port, database, role);
  }

  /** The caller ends the connection. */
  async connect(database: string): Promise<pg.Client> {
    const client = new pg.Client(this.url(database));
    // When the server ends, `died` tells of it.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** Rejects when it ends before it is stopped. */
  died(): Promise<never> {
    return this.server.died();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}

function urlOf(port: number, database: string, role: string): string {
  return `postgres://${role}@127.0.0.1:${port}/${database}`;
}

/** The answer must come from the demo's own folder: another server may hold the port. */
async function answersFrom(folder: string, url: string): Promise<boolean> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ folder: string }>(`SELECT current_setting('data_directory') AS folder`);
    return rows[0]?.folder === folder;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The folder of `initdb` and `postgres`: the one that POSTGRES_BIN names, else on the PATH, or in Debian's place. */
function findPostgres(): string | undefined {
  const named = process.env['POSTGRES_BIN'];
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return (named === undefined ? [...onPath, ...debianFolders()] : [named]).find((folder) =>
    ['initdb', 'postgres'].every((program) => isExecutable(join(folder, program))),
  );
}

/** Newest first. */
function debianFolders(): string[] {
  try {
    const versions = readdirSync(DEBIAN).sort((one, other) => Number(other) - Number(one));
    return versions.map((version) => join(DEBIAN, version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian's package makes the user `postgres`; every system has `nobody`. */
function unprivilegedUser(): { uid?: number; gid?: number } {
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
