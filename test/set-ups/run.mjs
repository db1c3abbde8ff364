// Makes applications with `nest new`, installs the packed package in them, and builds and tests them as people do.
//
//   npm run test:set-ups
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packPackage } from '../support/pack-package.mjs';
import { APPLICATIONS } from './set-ups.mjs';

const LONGEST_RUN = 300_000;
const execute = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'nestjs-async-cache-set-ups-'));

const run = ([command, ...args], cwd) => execute(command, args, { cwd, timeout: LONGEST_RUN, maxBuffer: 2 ** 26 });

/** A plain install: what is refused for its peers is a fault. */
async function make({ cli, folder: name, packages, manifest }, tarball) {
  const own = join(folder, name);
  await run(['npx', '--yes', `@nestjs/cli@${cli}`, 'new', name, '--skip-git', '--skip-install', '-p', 'npm'], folder);
  for (const part of ['every', name]) cpSync(join(import.meta.dirname, part), own, { recursive: true });
  const place = join(own, 'package.json');
  const written = JSON.parse(readFileSync(place, 'utf8'));
  manifest(written);
  writeFileSync(place, JSON.stringify(written, undefined, 2));
  await run(['npm', 'install', '--no-audit', '--no-fund', tarball, ...packages], own);
  return own;
}

let failed = 0;
try {
  const tarball = packPackage(folder);
  for (const application of APPLICATIONS) {
    const own = await make(application, tarball);
    for (const [setUp, commands] of Object.entries(application.setUps)) {
      try {
        for (const command of commands) await run(command, own);
        console.log(`passed   Nest ${application.cli}: ${setUp}`);
      } catch (error) {
        failed += 1;
        console.log(`FAILED   Nest ${application.cli}: ${setUp}\n${error.stdout}${error.stderr || error.message}`);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
