import { execFileSync, spawn } from 'node:child_process';
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './redis-server.mjs';

const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'full_page_writes=off'];

/**
 * The shell stops the server when its own input ends: at `stop`, or when this process ends in any way. SIGQUIT is
 * PostgreSQL's "immediate shutdown".
 */
const SCRIPT = `
  exec 3<&0
  "$@" 3<&- & server=$!
  (read -r _ <&3; kill -s QUIT $server) 2>/dev/null & reader=$!
  wait $server
  kill $reader 2>/dev/null`;

/** A PostgreSQL of its own on a free port of the loopback. Rejects where there is none. */
export async function startPostgres() {
  const programs = [...(process.env.PATH ?? '').split(delimiter), ...debianFolders()].find((folder) =>
    ['initdb', 'postgres'].every((program) => isExecutable(join(folder, program))),
  );
  if (programs === undefined) throw new Error('not run: no initdb and postgres');
  const folder = mkdtempSync(join(tmpdir(), 'async-cache-bench-postgres-'));
  // PostgreSQL refuses to run as root.
  const user = process.getuid() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const init = ['-D', folder, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  execFileSync(join(programs, 'initdb'), init, { ...user, cwd: folder, stdio: 'pipe' });
  const port = await freePort();
  const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
  const child = spawn(
    'sh',
    ['-c', SCRIPT, 'sh', join(programs, 'postgres'), '-D', folder, '-p', String(port), ...settings],
    {
      ...user,
      cwd: folder,
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const query = async (sql) => {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  for (let attempt = 0; ; attempt++) {
    try {
      const [{ data }] = await query(`SELECT current_setting('data_directory') AS data`);
      if (data === folder) break;
      throw new Error('another server has the port');
    } catch (error) {
      if (child.exitCode !== null || attempt === 400) throw new Error('postgres does not answer', { cause: error });
      await sleep(50);
    }
  }
  return {
    url,
    query,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function debianFolders() {
  try {
    return readdirSync('/usr/lib/postgresql').map((version) => join('/usr/lib/postgresql', version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian's package makes the user `postgres`; every system has `nobody`. */
function idOf(flag) {
  for (const name of ['postgres', 'nobody']) {
    try {
      return Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString());
    } catch {
      // There is no such user here.
    }
  }
  throw new Error('there is no user postgres or nobody to run PostgreSQL as');
}
