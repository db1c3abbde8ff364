import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const DEBIAN = '/usr/lib/postgresql';
const REMEDY =
  'install PostgreSQL with initdb and postgres on the PATH (Debian: apt-get install postgresql, macOS: brew install postgresql)';

/** The folder of `initdb` and `postgres`: on the PATH, in Debian's place, or installed from Debian's package. */
export function ensurePostgres(): string {
  const found = findPostgres();
  if (found !== undefined) return found;
  if (isRootOnDebian()) installWithApt();
  const installed = findPostgres();
  if (installed === undefined) throw new Error(`No PostgreSQL to test with: ${REMEDY}.`);
  return installed;
}

function findPostgres(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...onPath, ...debianFolders()].find((folder) =>
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

function isRootOnDebian(): boolean {
  return process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;
}

function installWithApt(): void {
  console.log('PostgreSQL is missing: installing postgresql with apt-get …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): void => void execFileSync('apt-get', ['-qq', ...args], { env, stdio: 'ignore' });
  try {
    apt('update');
    apt('install', '-y', '--no-install-recommends', 'postgresql');
  } catch {
    // The package also tries to start a system service, which fails where there is no service manager. Only the
    // programs matter.
  }
}
