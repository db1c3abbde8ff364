import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireRedisBinary } from './ensure-redis-server.js';
import { freePort } from './free-port.js';

const READY_TIMEOUT_MS = 10_000;
const PORT_ATTEMPTS = 5;

export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  readonly url: string;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL: its data is lost, and `restart` returns an empty server. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing is answered. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** Starts it again, empty, on the same port, whatever state it was in. */
  restart(): Promise<void>;
}

export interface RedisServerOptions {
  args?: readonly string[];
  port?: number;
  /** Beside the environment of this process. */
  env?: Readonly<Record<string, string>>;
}

export async function startRedis({ args = [], port, env = {} }: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const server = new OwnRedisServer(port ?? (await freePort()), args, env);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      // Another process may take a free port before Redis binds it. A port that was asked for is not replaced.
      if (port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

class OwnRedisServer implements RedisServer {
  readonly url: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'nestjs-async-cache-redis-'));
  readonly #killAtExit = (): void => void this.#child?.kill('SIGKILL');
  #child: ChildProcess | undefined;

  constructor(
    readonly port: number,
    private readonly args: readonly string[],
    private readonly env: Readonly<Record<string, string>>,
  ) {
    this.url = `redis://127.0.0.1:${port}`;
    process.once('exit', this.#killAtExit);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`The Redis on port ${this.port} is not running.`);
    return pid;
  }

  async start(): Promise<void> {
    const own = [
      '--port',
      `${this.port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      this.#folder,
    ];
    const child = spawn(requireRedisBinary(), [...own, ...this.args], {
      stdio: 'ignore',
      env: { ...process.env, ...this.env },
    });
    this.#child = child;
    await once(child, 'spawn');
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!(await answersAs(child.pid, this.port))) {
      if (child.exitCode !== null)
        throw new Error(`redis-server left with code ${child.exitCode} (port ${this.port}).`);
      if (performance.now() > deadline)
        throw new Error(`redis-server was not ready within ${READY_TIMEOUT_MS} ms (port ${this.port}).`);
      await sleep(10);
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    process.off('exit', this.#killAtExit);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }
}

/** A PONG could come from another server on the port, so the answer must contain our child's process id. */
async function answersAs(pid: number | undefined, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\nINFO server\r\nQUIT\r\n'));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(answer.startsWith('+PONG') && answer.includes(`process_id:${pid}\r\n`));
    });
  });
}
