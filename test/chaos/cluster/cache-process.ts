import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Origin } from './origin.js';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('nestjs-async-cache/package.json'));
const PROGRAM = join(PACKAGE, 'test/chaos/cluster/cache-process.mjs');
const READY_WITHIN = 60_000;

/** What the program in `cache-process.mjs` is told at its start. */
export interface ProcessSettings {
  /** Options of the jobs, by name. */
  readonly jobs: object;
  /** Of `forRoot`. */
  readonly options: object;
  /** How wrong its clock is, in milliseconds. */
  readonly clockOffset: number;
  readonly sabotage?: string | undefined;
}

interface Message {
  readonly ready?: true;
  readonly fetch?: number;
  readonly job?: string;
  readonly keys?: string[];
  readonly answer?: number;
  readonly value?: unknown;
  readonly error?: string;
}

interface Call {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** One process of a cluster: what it is told to call, and what it fetches. */
export class CacheProcess {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, Call>();
  readonly #ready: Promise<void>;
  /** Not before: a program that is still loading would be late to miss its parent. */
  readonly #killAtExit = (): void => void this.#child.kill('SIGKILL');
  #lastCall = 0;
  #frozen = false;
  #gone = false;

  private constructor(
    readonly role: 'web' | 'worker',
    /** Of its role. */
    readonly number: number,
    readonly settings: ProcessSettings,
    private readonly origin: Origin,
  ) {
    this.#child = fork(PROGRAM, {
      env: { ...process.env, CACHE_PROCESS: JSON.stringify(settings) },
      // Not the parent's: a test runner's loaders have no place here.
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    process.once('exit', this.#killAtExit);
    this.#child.on('message', (message) => this.#receive(message as Message));
    this.#child.once('exit', () => this.#end());
    // Writing to a process that has just been killed: its calls are rejected as it ends.
    this.#child.on('error', () => undefined);
    this.#ready = this.#becomeReady();
  }

  static async start(
    role: 'web' | 'worker',
    number: number,
    settings: ProcessSettings,
    origin: Origin,
  ): Promise<CacheProcess> {
    const started = new CacheProcess(role, number, settings, origin);
    try {
      await started.#ready;
    } catch (error) {
      await started.kill();
      throw error;
    }
    return started;
  }

  get name(): string {
    return `${this.role}-${this.number}`;
  }

  get gone(): boolean {
    return this.#gone;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Calls one of the program's `calls`. Rejects with what it was rejected with, or because the process has ended. */
  call<Result = unknown>(name: string, ...args: unknown[]): Promise<Result> {
    const called = new Promise<Result>((resolve, reject) => {
      if (this.#gone) return reject(this.#goneError());
      const call = ++this.#lastCall;
      this.#calls.set(call, { resolve, reject });
      this.#child.send({ call, name, args }, () => undefined);
    });
    // Whoever has given up waiting for one that hangs does not want to hear of its end.
    called.catch(() => undefined);
    return called;
  }

  /** SIGSTOP: everything of it stays, and nothing moves. */
  freeze(): void {
    if (this.#gone) return;
    this.#frozen = true;
    this.#child.kill('SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
    if (this.#gone) return;
    this.#frozen = false;
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    if (this.#gone) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #becomeReady(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${this.name} ${why}`));
      const patience = setTimeout(() => fail('was not ready in time'), READY_WITHIN);
      this.#child.once('exit', () => fail('ended before it was ready'));
      this.#child.on('message', ({ ready }: Message) => {
        if (ready !== true) return;
        clearTimeout(patience);
        resolve();
      });
    });
  }

  #receive({ fetch, job, keys, answer, value, error }: Message): void {
    if (fetch !== undefined) {
      void this.#fetch(fetch, job ?? '', keys ?? []);
      return;
    }
    if (answer === undefined) return;
    const call = this.#calls.get(answer);
    this.#calls.delete(answer);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(error));
  }

  async #fetch(fetched: number, job: string, keys: readonly string[]): Promise<void> {
    let reply: object;
    try {
      reply = { fetched, values: await this.origin.fetch(this.name, job, keys) };
    } catch (error) {
      reply = { fetched, error: (error as Error).message };
    }
    if (this.#child.connected) this.#child.send(reply, () => undefined);
  }

  #end(): void {
    this.#gone = true;
    process.off('exit', this.#killAtExit);
    this.origin.forget(this.name);
    for (const { reject } of this.#calls.values()) reject(this.#goneError());
    this.#calls.clear();
  }

  #goneError(): Error {
    return new ProcessGoneError(`${this.name} has ended`);
  }
}

export class ProcessGoneError extends Error {}
