import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

export interface OrmProcessOptions {
  /** The application, which ends with `serve`. */
  readonly script: URL;
  readonly redisUrl: string;
  readonly prefix: string;
  readonly databaseUrl: string;
  /** False: a web process. */
  readonly worker?: false;
  /** False: no copies in the process. */
  readonly near?: false;
  readonly feature?: object;
  /** What is sabotaged. */
  readonly breaks?: 'mark' | 'invalidation';
}

export interface ReadAccount {
  readonly status: string;
  readonly value: { readonly balance: number; readonly double: number; readonly isDate: boolean };
}

interface Reply {
  readonly id?: number;
  readonly ready?: true;
  readonly result?: unknown;
  readonly error?: string;
}

/** An application in a process of its own, which ends with the test. */
export class OrmProcess {
  readonly #pending = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  readonly #exited: Promise<unknown>;
  #calls = 0;

  private constructor(private readonly child: ChildProcess) {
    this.#exited = once(child, 'exit');
    child.on('message', ({ id, result, error }: Reply) => {
      const pending = this.#pending.get(id ?? -1);
      if (error === undefined) pending?.resolve(result);
      else pending?.reject(new Error(error));
    });
    void this.#exited.then(() => {
      for (const { reject } of this.#pending.values()) reject(new Error('The process is gone'));
    });
  }

  static async start({ script, ...options }: OrmProcessOptions): Promise<OrmProcess> {
    const child = fork(script, [JSON.stringify(options)]);
    const process = new OrmProcess(child);
    onTestFinished(() => process.kill());
    await Promise.race([
      once(child, 'message'),
      process.#exited.then(() => Promise.reject(new Error('The process did not start'))),
    ]);
    return process;
  }

  async call<Result>(call: string, ...args: unknown[]): Promise<Result> {
    const id = ++this.#calls;
    const answered = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.child.send({ id, call, args });
    try {
      return (await answered) as Result;
    } finally {
      this.#pending.delete(id);
    }
  }

  read(id: number): Promise<ReadAccount> {
    return this.call('read', id);
  }

  /** Until it has ended. */
  gone(): Promise<unknown> {
    return this.#exited;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#exited;
  }
}
