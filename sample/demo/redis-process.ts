import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The Redis that REDIS_URL names, or one that the demo starts and stops. */
export interface Redis {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<Redis> {
  const url = process.env['REDIS_URL'];
  if (url !== undefined) return { url, stop: async () => {} };
  if (spawnSync('redis-server', ['--version']).error !== undefined) {
    throw new Error('There is no redis-server to start: install one, or set REDIS_URL.');
  }
  const folder = await mkdtemp(join(tmpdir(), 'cities-redis-'));
  const port = await freePort();
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  // The shell stops it when its own input ends: at stop, or when the demo ends in any way.
  const shell = spawn('sh', ['-c', 'redis-server "$@" & read -r _; kill $!; wait $!', 'sh', ...options], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(shell, 'exit');
  while (!(await accepts(port))) await sleep(20);
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      shell.stdin.end();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
