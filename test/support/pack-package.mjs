import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * Packs the built package into a folder. Returns the path of the archive.
 *
 * @param {string} folder
 * @returns {string}
 */
export function packPackage(folder) {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const packed = execFileSync('npm', args, {
    cwd: join(import.meta.dirname, '../..'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return join(folder, JSON.parse(packed)[0].filename);
}
