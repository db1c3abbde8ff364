import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CitiesDatabase, type LoggedQuery, type Parameters, type Statement } from './cities-database.js';
import type { Answer, Question } from './thread-database.worker.js';

const LOGGED_QUERIES = 10_000;

interface Waiting {
  resolve(answer: { rows: unknown[]; milliseconds: number }): void;
  reject(error: Error): void;
}

/**
 * The cities of the world in SQLite, in a thread of its own. SQLite blocks the thread that it runs in, and a web server
 * that shares its thread with the database would stall with every query: cache or no cache.
 */
@Injectable()
export class ThreadDatabase extends CitiesDatabase implements OnModuleInit, OnApplicationShutdown {
  readonly #waiting = new Map<number, Waiting>();
  readonly #log: LoggedQuery[] = [];
  #thread: Worker | undefined;
  #nextId = 0;

  async onModuleInit(): Promise<void> {
    const start = performance.now();
    const thread = new Worker(new URL('./thread-database.worker.js', import.meta.url));
    const [{ cities }] = (await once(thread, 'message')) as [{ cities: number }];
    thread.on('message', (answer: Answer) => this.#settle(answer));
    thread.on('error', (error) => this.#close(error));
    thread.on('exit', () => this.#close(new Error('The database was closed.')));
    this.#thread = thread;
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    new Logger('Database').log(`${cities.toLocaleString('en')} cities loaded in ${seconds} s`);
  }

  /** Not earlier, in onModuleDestroy: refreshes that are still running then want to end well. */
  async onApplicationShutdown(): Promise<void> {
    await this.#thread?.terminate();
  }

  /** What it was asked, and by which process: the truth about what a cache saves. */
  get log(): readonly LoggedQuery[] {
    return this.#log;
  }

  async query<Row>(
    { name, sql }: Statement,
    parameters: Parameters = {},
    client = `process ${process.pid}`,
  ): Promise<Row[]> {
    const logged: LoggedQuery = { statement: name, parameters, client, askedAt: Date.now() };
    this.#log.push(logged);
    if (this.#log.length > LOGGED_QUERIES) this.#log.shift();
    try {
      const { rows, milliseconds } = await this.#ask(sql, parameters);
      logged.milliseconds = milliseconds;
      return rows as Row[];
    } finally {
      logged.answeredAt = Date.now();
    }
  }

  #ask(sql: string, parameters: Parameters): Promise<{ rows: unknown[]; milliseconds: number }> {
    const thread = this.#thread;
    if (thread === undefined) return Promise.reject(new Error('The database is closed.'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      thread.postMessage({ id, sql, parameters } satisfies Question);
    });
  }

  #settle(answer: Answer): void {
    if (answer.id === undefined) return;
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer);
  }

  #close(reason: Error): void {
    this.#thread = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
    this.#waiting.clear();
  }
}
