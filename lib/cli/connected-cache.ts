import type { Redis as Client } from 'ioredis';
import type { FleetMember } from '../bullmq/fleet-member.js';
import { MsgpackrCodec } from '../msgpackr/msgpackr-codec.js';
import { CompressingCodec } from '../msgpackr/compressing-codec.js';
import { toExplanation } from '../core/read/explain.js';
import type { Entry } from '../core/entry.js';
import type { Explanation } from '../core/job/explanation.js';
import type { Codec } from '../core/ports.js';
import { SystemClock } from '../memory/system-clock.js';
import { KeyNames } from '../redis/key-names.js';
import { RedisStore } from '../redis/redis-store.js';
import { decodeEntry, FIELDS } from '../redis/stored-format.js';
import { ConnectedQueue } from './connected-queue.js';

const CONNECT_TIMEOUT = 5_000;

/** A value that only the application can read, since it has a serializer or a codec of its own. */
const UNREADABLE = Symbol('a value that this command cannot read');

/**
 * The cache of an application in Redis, from outside. What only looks writes nothing: it does not even remove what it
 * cannot read, as a store does.
 */
export class ConnectedCache {
  /** For what changes entries. */
  readonly store: RedisStore;
  readonly #names: KeyNames;

  private constructor(
    private readonly client: Client,
    private readonly queue: ConnectedQueue,
    prefix: string,
  ) {
    this.#names = new KeyNames(prefix);
    this.store = new RedisStore({ client, prefix, codec: new MsgpackrCodec(), clock: new SystemClock() });
  }

  /** Rejects when Redis cannot be reached within five seconds, or refuses. */
  static async open(url: string, prefix: string): Promise<ConnectedCache> {
    const { Redis } = await import('ioredis');
    const client = new Redis(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    let trouble: unknown;
    client.on('error', (error) => (trouble = error));
    try {
      await client.connect();
      return new ConnectedCache(client, await ConnectedQueue.open(client, `${prefix}:queue`), prefix);
    } catch (error) {
      client.disconnect();
      throw trouble ?? error;
    }
  }

  /** Keys that begin with `start`, in no order. A key that is written or removed meanwhile may be missing. */
  async *keys(start: string): AsyncGenerator<string> {
    let cursor = '0';
    do {
      const [next, names] = await this.client.scan(
        cursor,
        'MATCH',
        this.#names.pattern('entry', start),
        'COUNT',
        1_000,
      );
      for (const name of names) yield this.#names.keyOf(name);
      cursor = next;
    } while (cursor !== '0');
  }

  /** Why a key has its value. `value` is undefined where there is none, or where this command cannot read it. */
  async explain(key: string): Promise<{ explanation: Explanation; value: unknown; isReadable: boolean }> {
    const raw = await this.client.hmgetBuffer(this.#names.entry(key), ...FIELDS);
    const entry = decodeEntry(raw, LENIENT, key);
    const [seconds = '0', microseconds = '0'] = (await this.client.time()).map(String);
    const explanation = toExplanation({
      key,
      job: jobOf(key),
      entry,
      now: Number(seconds) * 1_000 + Number(microseconds) / 1_000,
      remaining: await this.store.leaseRemaining(key),
      queued: await this.queue.isWaiting(key, entry),
      workers: await this.queue.knowing(key),
      copy: false,
    });
    const isReadable = entry?.value !== UNREADABLE;
    return { explanation, value: isReadable ? valueOf(entry) : undefined, isReadable };
  }

  /** The live workers; undefined where there is no bullmq to ask with. */
  members(): Promise<readonly FleetMember[] | undefined> {
    return this.queue.members();
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.store.close();
  }
}

function valueOf(entry: Entry | undefined): unknown {
  return entry === undefined || entry.kind === 'vacant' ? undefined : entry.value;
}

/** The name of a job may have no colon, so its keys begin with what is before the first one. */
function jobOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf(':')));
}

const own = new CompressingCodec(new MsgpackrCodec(), Infinity);
const LENIENT: Codec = {
  encode: (value) => own.encode(value),
  decode: (bytes) => {
    try {
      return own.decode(bytes);
    } catch {
      return UNREADABLE;
    }
  },
};
