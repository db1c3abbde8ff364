// Installs the packed package in applications of the versions that people have, and runs a suite in each: embedded, on
// Redis, and with a worker in a second process, as ES modules and as CommonJS. Node's binaries come from npm packages.
//
//   npm run test:versions              every combination
//   npm run test:versions -- --quick   the oldest and the newest
import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { packPackage } from '../support/pack-package.mjs';
import { COMBINATIONS } from './combinations.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const PNPM = 'pnpm@9';
const LONGEST_RUN = 120_000;
const FLAVOURS = ['main.mjs', 'main.cjs'];

const { values: given } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const execute = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'nestjs-async-cache-versions-'));

/** A server of our own, unless REDIS_URL names one. */
async function startRedis() {
  if (process.env.REDIS_URL !== undefined) return { url: process.env.REDIS_URL, stop: () => undefined };
  const port = await new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const server = spawn('redis-server', own, { stdio: 'ignore' });
  await new Promise((resolve, reject) => {
    server.once('error', () => reject(new Error('Install redis-server, or set REDIS_URL')));
    void sleep(500).then(resolve);
  });
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.kill() };
}

/** The path of Node's binary in this version. */
async function nodeOf(version) {
  if (process.versions.node.split('.')[0] === version) return process.execPath;
  const own = join(folder, `node-${version}`);
  const name = `node-${process.platform}-${process.arch}`;
  await execute('npm', ['install', '--prefix', own, '--no-save', '--no-audit', '--no-fund', `${name}@${version}`]);
  return join(own, 'node_modules', name, 'bin/node');
}

function manifestOf({ nest, nestBullmq, bullmq, ioredis }, tarball) {
  return {
    name: 'application',
    private: true,
    dependencies: {
      '@nestjs/bullmq': `^${nestBullmq}`,
      '@nestjs/common': `^${nest}`,
      '@nestjs/core': `^${nest}`,
      bullmq: bullmq.includes('.') ? bullmq : `^${bullmq}`,
      ioredis: `^${ioredis}`,
      'nestjs-async-cache': `file:${tarball}`,
      'reflect-metadata': '^0.2.0',
      rxjs: '^7.8.0',
    },
  };
}

/** Plain installs: what is refused for its peers is a fault. */
async function install(combination, tarball, own) {
  cpSync(join(HERE, 'application'), own, { recursive: true });
  writeFileSync(join(own, 'package.json'), JSON.stringify(manifestOf(combination, tarball), undefined, 2));
  const [command, ...args] =
    combination.installer === 'npm'
      ? ['npm', 'install', '--no-audit', '--no-fund']
      : [
          'npx',
          '--yes',
          PNPM,
          'install',
          '--config.strict-peer-dependencies=true',
          '--config.auto-install-peers=false',
        ];
  await execute(command, args, { cwd: own, maxBuffer: 2 ** 26 });
}

async function versionIn(own, name) {
  const { stdout } = await execute(process.execPath, ['-p', `require('${name}/package.json').version`], { cwd: own });
  return stdout.trim();
}

async function check(combination, tarball, redisUrl) {
  const own = mkdtempSync(join(folder, 'application-'));
  await install(combination, tarball, own);
  const node = await nodeOf(combination.node);
  const { stdout: nodeVersion } = await execute(node, ['--version']);
  const ran = [];
  for (const file of FLAVOURS) {
    const { stdout } = await execute(node, [file], {
      cwd: own,
      timeout: LONGEST_RUN,
      env: { ...process.env, REDIS_URL: redisUrl },
    });
    if (!stdout.includes('passed')) throw new Error(`${file} did not end: ${stdout}`);
    ran.push(file.endsWith('.mjs') ? 'ESM' : 'CommonJS');
  }
  const names = ['@nestjs/core', '@nestjs/bullmq', 'bullmq', 'ioredis'];
  const versions = await Promise.all(names.map((name) => versionIn(own, name)));
  return [nodeVersion.trim(), ...versions, combination.installer, ran.join(', ')];
}

const redis = await startRedis();
const rows = [
  ['Node', 'Nest', '@nestjs/bullmq', 'bullmq', 'ioredis', 'installed by', 'embedded, Redis, worker process'],
];
let failed = 0;
try {
  const tarball = packPackage(folder);
  for (const combination of COMBINATIONS.filter(({ quick }) => !given.quick || quick)) {
    try {
      rows.push(await check(combination, tarball, redis.url));
    } catch (error) {
      failed += 1;
      const { node, nest, nestBullmq, bullmq, ioredis, installer } = combination;
      rows.push([node, nest, nestBullmq, bullmq, ioredis, installer, `FAILED: ${error.message.split('\n')[0]}`]);
      console.error(error.stderr || error.stdout || error);
    }
  }
} finally {
  redis.stop();
  rmSync(folder, { recursive: true, force: true });
}
for (const [at, row] of rows.entries()) {
  console.log(`| ${row.join(' | ')} |`);
  if (at === 0) console.log(`|${' --- |'.repeat(row.length)}`);
}
process.exitCode = failed === 0 ? 0 : 1;
