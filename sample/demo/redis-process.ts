import { spawnSync } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ServerProcess } from './server-process.js';

/** The Redis that REDIS_URL names, or one that the demo starts and stops. */
export interface Redis {
  readonly url: string;
  /** Rejects when it ends before it is stopped. */
  died(): Promise<never>;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<Redis> {
  const url = process.env['REDIS_URL'];
  if (url !== undefined) return { url, died: () => new Promise(() => undefined), stop: async () => {} };
  if (spawnSync('redis-server', ['--version']).error !== undefined) {
    throw new Error('There is no redis-server to start: install one, or set REDIS_URL.');
  }
  const folder = await mkdtemp(join(tmpdir(), 'cities-redis-'));
  const port = await freePort();
  const server = await ServerProcess.start({
    name: 'redis-server',
    command: ['redis-server', '--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder],
    folder,
    stopSignal: 'TERM',
    isReady: () => accepts(port),
  });
  return { url: `redis://127.0.0.1:${port}`, died: () => server.died(), stop: () => server.stop() };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
