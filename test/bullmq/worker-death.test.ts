import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { requestOf, startRefreshApp, uniquePrefix } from './refresh-app.js';

const url = inject('redisUrl');
const SCRIPT = fileURLToPath(new URL('refresh-worker.mjs', import.meta.url));
const LEASE = 2_000;

interface Message {
  readonly ready?: true;
  readonly called?: string;
  readonly fetching?: string;
}

/** A worker in a process of its own. It runs the built package: `npm test` builds it first. */
class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #messages: Message[] = [];

  constructor(prefix: string) {
    this.#child = fork(SCRIPT, [JSON.stringify({ url, prefix, lease: LEASE })]);
    this.#child.on('message', (message) => this.#messages.push(message as Message));
  }

  async tells(message: Message): Promise<void> {
    const wanted = JSON.stringify(message);
    while (!this.#messages.some((told) => JSON.stringify(told) === wanted)) {
      if (this.#child.exitCode !== null) throw new Error(`The worker ended with code ${this.#child.exitCode}`);
      await Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')]);
    }
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

describe('a worker that is killed in the middle of a refresh', () => {
  const workers: WorkerProcess[] = [];
  afterEach(() => Promise.all(workers.map((worker) => worker.kill())));

  it('is replaced by another about when its lease has run out, again and again', async () => {
    const prefix = uniquePrefix();
    const startWorker = async () => {
      const worker = new WorkerProcess(prefix);
      workers.push(worker);
      await worker.tells({ ready: true });
      return worker;
    };
    const { app, queue } = await startRefreshApp({ connection: { url }, prefix, worker: false });
    let holder = await startWorker();
    await queue.request([requestOf('key')]);
    await holder.tells({ fetching: 'key' });
    for (let death = 1; death <= 2; death++) {
      const next = await startWorker();
      const killed = performance.now();
      await holder.kill();
      await next.tells({ fetching: 'key' });
      const ms = performance.now() - killed;
      expect(ms).toBeGreaterThan(LEASE / 2);
      expect(ms).toBeLessThan(LEASE + 3_000);
      holder = next;
    }
    await app.close();
  });
});
