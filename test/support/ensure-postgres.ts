import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { foldersOnPath, installDebianPackage, isExecutable } from './debian-package.js';

const DEBIAN = '/usr/lib/postgresql';
const REMEDY =
  'install PostgreSQL with initdb and postgres on the PATH (Debian: apt-get install postgresql, macOS: brew install postgresql)';

/** The folder of `initdb` and `postgres`: on the PATH, in Debian's place, or installed from Debian's package. */
export function ensurePostgres(): string {
  const found = findPostgres();
  if (found !== undefined) return found;
  installDebianPackage(['postgresql'], 'PostgreSQL');
  const installed = findPostgres();
  if (installed === undefined) throw new Error(`No PostgreSQL to test with: ${REMEDY}.`);
  return installed;
}

function findPostgres(): string | undefined {
  return [...foldersOnPath(), ...debianFolders()].find((folder) =>
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
