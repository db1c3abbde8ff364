import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { vi } from 'vitest';
import { requireRedisBinary } from '../support/ensure-redis-server.js';
import { freePort } from '../support/free-port.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

const NAME = 'main';
const DOWN_AFTER = 500;

export interface RedisWithSentinels {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly connection: { readonly sentinels: { host: string; port: number }[]; readonly name: string };
  stop(): Promise<void>;
}

/** A master, a replica, and sentinels that promote the replica when the master is gone. */
export async function startRedisWithSentinels(count = 3): Promise<RedisWithSentinels> {
  const master = await startRedis();
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-async-cache-sentinels-'));
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const quorum = Math.floor(count / 2) + 1;
  const sentinels = ports.map((port) => startSentinel(folder, port, master.port, quorum));
  const stopAll = async (): Promise<void> => {
    for (const sentinel of sentinels) sentinel.kill('SIGKILL');
    await Promise.all([master.stop(), replica.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const port of ports) await untilSettled(port, count);
  } catch (error) {
    await stopAll();
    throw error;
  }
  return {
    master,
    replica,
    connection: { sentinels: ports.map((port) => ({ host: '127.0.0.1', port })), name: NAME },
    stop: stopAll,
  };
}

function startSentinel(folder: string, port: number, master: number, quorum: number): ChildProcess {
  const file = join(folder, `${String(port)}.conf`);
  const settings = [
    `port ${String(port)}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${String(master)} ${String(quorum)}`,
    `sentinel down-after-milliseconds ${NAME} ${String(DOWN_AFTER)}`,
    `sentinel failover-timeout ${NAME} 3000`,
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  const child = spawn(requireRedisBinary(), [file, '--sentinel'], { stdio: 'ignore' });
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

/** Waits until the sentinel knows the replica and the other sentinels. */
async function untilSettled(port: number, count: number): Promise<void> {
  const sentinel = new Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: null });
  sentinel.on('error', () => undefined);
  try {
    await vi.waitFor(
      async () => {
        const info = await sentinel.info('sentinel');
        if (!info.includes(`status=ok`) || !info.includes(`slaves=1,sentinels=${String(count)}`))
          throw new Error(`Not settled: ${info}`);
      },
      { timeout: 20_000, interval: 100 },
    );
  } finally {
    sentinel.disconnect();
  }
}
