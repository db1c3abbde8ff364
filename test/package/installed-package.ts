import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  name: string;
  exports: Record<string, unknown>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
}

export const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
export const optionalPeers = Object.keys(manifest.peerDependenciesMeta);
export const entryPoints = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => manifest.name + subpath.slice(1));

const required = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)].filter(
  (name) => !optionalPeers.includes(name),
);

export interface Outcome {
  code: number | null;
  output: string;
}

/**
 * A user's project with the packed package installed. Its dependencies are linked from our own node_modules, so no
 * network is needed.
 */
export class UserProject {
  readonly #folder: string;

  constructor(tarball: string, options: { optionalPeers: boolean }) {
    this.#folder = temporaryFolder();
    this.write('package.json', '{ "private": true }');
    const home = join(this.#folder, 'node_modules', manifest.name);
    mkdirSync(home, { recursive: true });
    execFileSync('tar', ['-xzf', tarball, '-C', home, '--strip-components=1']);
    for (const name of [...required, '@types/node', ...(options.optionalPeers ? optionalPeers : [])]) this.#link(name);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text);
  }

  node(...args: string[]): Outcome {
    return run(process.execPath, args, this.#folder);
  }

  tool(name: string, ...args: string[]): Outcome {
    return run(tool(name), args, this.#folder);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #link(name: string): void {
    const place = join(this.#folder, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), place, 'dir');
  }
}

export function temporaryFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-async-cache-package-')));
}

export function tool(name: string): string {
  return join(ROOT, 'node_modules', '.bin', name);
}

export function run(command: string, args: readonly string[], cwd = ROOT): Outcome {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}
