import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/free-port.js';

const READY_TIMEOUT_MS = 30_000;

/** An HTTP cache of its own kind in front of an origin. */
export interface HttpCache {
  readonly url: string;
  stop(): Promise<void>;
}

/** How a program is started: its files, by name, and its arguments. */
export interface HttpCacheProgram {
  readonly program: string;
  readonly config: (place: { folder: string; port: number }) => { file: string; text: string; args: readonly string[] };
}

/** An answer of the applications of these tests, through a cache that says in `X-Cache` what it did. */
export interface CachedAnswer {
  readonly status: number;
  /** Undefined when the request failed. */
  readonly price: number | undefined;
  readonly cache: string | undefined;
  /** Seconds. */
  readonly age: number;
}

/** @param agent keeps connections; undefined: the request has one of its own. */
export async function readThrough({ url }: HttpCache, path: string, agent?: Agent): Promise<CachedAnswer> {
  const request = get(`${url}/${path}`, { agent: agent ?? false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const body = await text(response);
  const { statusCode = 0, headers } = response;
  return {
    status: statusCode,
    price: statusCode === 200 ? (JSON.parse(body) as { price: number }).price : undefined,
    cache: headers['x-cache'] as string | undefined,
    age: Number(headers.age),
  };
}

export async function startHttpCache({ program, config }: HttpCacheProgram): Promise<HttpCache> {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-async-cache-proxy-'));
  const port = await freePort();
  const { file, text: content, args } = config({ folder, port });
  writeFileSync(join(folder, file), content);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += String(bytes)));
  await once(child, 'spawn');
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`${program} did not start: ${output}`);
    }
    await sleep(50);
  }
  return { url: `http://127.0.0.1:${String(port)}`, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
