import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { backendOf } from '../../lib/bullmq/backend-of.js';
import { runScript } from '../../lib/bullmq/run-script.js';
import { Gate } from '../../lib/testing/gate.js';
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

describe('a worker whose lock has expired, since it stood still or Redis has set its clock forward', () => {
  it('is no failure of the queue: what becomes of its value is for the store to say', async () => {
    const fetches = new Gate<void>();
    const { app, queue, bull, failures } = await startRefreshApp({ connection: { url } });
    onTestFinished(() => app.close());
    queue.process(async () => {
      await fetches.fetch();
      return { kind: 'stored' };
    });
    await queue.request([requestOf('key')]);
    await fetches.started(1);
    const [{ id } = {}] = await bull.getActive();
    const client = await backendOf(bull).client;
    await runScript(client, { name: 'unlock', keys: 1, lua: "return redis.call('DEL', KEYS[1])" }, [
      bull.toKey(`${String(id)}:lock`),
    ]);
    fetches.release();
    // BullMQ runs it again, because it has found no lock.
    await fetches.started(2);
    fetches.release();
    await vi.waitFor(async () => expect(await bull.getActiveCount()).toBe(0));
    expect(failures).toEqual([]);
  });
});
