import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Packs the built package into a folder. Resolves to the path of the archive. */
export async function packPackage(folder) {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: join(import.meta.dirname, '../..') });
  return join(folder, JSON.parse(stdout)[0].filename);
}
