import type { RedisLink } from './redis-link.js';
import { FIELDS, type RawEntry } from './stored-format.js';

interface Waiting {
  readonly answer: Promise<RawEntry>;
  readonly resolve: (raw: RawEntry) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends the reads of one turn of the event loop together, each key once.
 *
 * A read joins only until the request is written. A later reader must send a request of its own: another process may
 * have been told meanwhile that the key is deleted, and a shared answer could be older than that.
 */
export class ReadBatch {
  #waiting = new Map<string, Waiting>();

  constructor(private readonly link: RedisLink) {}

  read(name: string): Promise<RawEntry> {
    const connecting = this.link.ready();
    return connecting === undefined ? this.#join(name) : connecting.then(() => this.#join(name));
  }

  #join(name: string): Promise<RawEntry> {
    const same = this.#waiting.get(name);
    if (same !== undefined) return same.answer;
    // Deferred behind the promise reactions of this turn, which bring more readers.
    if (this.#waiting.size === 0)
      queueMicrotask(() => {
        process.nextTick(() => {
          this.#send();
        });
      });
    const { promise: answer, resolve, reject } = withResolvers<RawEntry>();
    this.#waiting.set(name, { answer, resolve, reject });
    return answer;
  }

  /**
   * One write to the socket for all reads. A pipeline of ioredis does the same in twice the time, and keeps each pipeline
   * until a full collection, with all its answers.
   */
  #send(): void {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    const { client } = this.link;
    const stream = 'stream' in client ? client.stream : undefined;
    stream?.cork();
    for (const [name, { resolve, reject }] of waiting) client.hmgetBuffer(name, ...FIELDS).then(resolve, reject);
    stream?.uncork();
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
