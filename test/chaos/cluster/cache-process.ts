import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Origin } from './origin.js';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('nestjs-async-cache/package.json'));
const PROGRAM = join(PACKAGE, 'test/chaos/cluster/cache-process.mjs');
const READY_WITHIN = 60_000;

/** The settings that the program in `cache-process.mjs` gets at its start. */
export interface ProcessSettings {
  /** Options of the jobs, by name. */
  readonly jobs: object;
  /** Of `forRoot`. */
  readonly options: object;
  /** By how many milliseconds its clock is wrong. */
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

/** One process of a cluster. The parent tells it what to call, and serves its fetches. */
export class CacheProcess {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, Call>();
  readonly #ready: Promise<void>;
  /**
   * Kills the child when the parent exits: a program that is still loading would notice too late that its parent is
   * gone.
   */
  readonly #killAtExit = (): void => void this.#child.kill('SIGKILL');
  #lastCall = 0;
  #frozen = false;
  #gone = false;

  private constructor(
    readonly role: 'web' | 'worker',
    /** The number of the process within its role. */
    readonly number: number,
    readonly settings: ProcessSettings,
    private readonly origin: Origin,
  ) {
    this.#child = fork(PROGRAM, {
      env: { ...process.env, CACHE_PROCESS: JSON.stringify(settings) },
      // Without the parent's arguments, since the loaders of a test runner must not run here.
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    process.once('exit', this.#killAtExit);
    this.#child.on('message', (message) => this.#receive(message as Message));
    this.#child.once('exit', () => this.#end());
    // A write to a process that has just been killed fails. Its calls are rejected when it ends.
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

  /** Calls one of the program's `calls`. Rejects with the error of the call, or because the process has ended. */
  call<Result = unknown>(name: string, ...args: unknown[]): Promise<Result> {
    const called = new Promise<Result>((resolve, reject) => {
      if (this.#gone) return reject(this.#goneError());
      const call = ++this.#lastCall;
      this.#calls.set(call, { resolve, reject });
      this.#child.send({ call, name, args }, () => undefined);
    });
    // A caller that has given up on a hanging process must not get an unhandled rejection when the process ends.
    called.catch(() => undefined);
    return called;
  }

  /** SIGSTOP: the process keeps everything and does nothing. */
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
