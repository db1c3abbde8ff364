import { join } from 'node:path';
import { foldersOnPath, installDebianPackage, isExecutable } from './debian-package.js';

/** Where Debian has programs of system services, which is not on the PATH of everybody. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/** A program that is on the PATH, or is installed from Debian's packages. */
export function ensureDebianProgram(program: string, ...debianPackages: readonly string[]): string {
  const find = (): string | undefined =>
    [...foldersOnPath(), ...SYSTEM_FOLDERS].map((folder) => join(folder, program)).find(isExecutable);
  const found = find();
  if (found !== undefined) return found;
  installDebianPackage(debianPackages, program);
  const installed = find();
  if (installed === undefined) {
    throw new Error(`No ${program} to test with: install it (Debian: apt-get install ${debianPackages.join(' ')}).`);
  }
  return installed;
}
