import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { LONGEST } from '../core/duration.js';
import type { Entry, Fill } from '../core/entry.js';
import { StoreError } from '../core/errors.js';
import type {
  Acquisition,
  ChangeFeed,
  Claim,
  Clock,
  Codec,
  CommitResult,
  Invalidation,
  Lease,
  LeaseEnding,
  Store,
  StoreCapabilities,
} from '../core/ports.js';
import { KeyNames } from './key-names.js';
import { OrphanLeases } from './orphan-leases.js';
import { ReadBatch } from './read-batch.js';
import { RedisChangeFeed } from './redis-change-feed.js';
import { RedisLink, type Reply } from './redis-link.js';
import { flag, ms, numberAt, textAt, wholeMs } from './script-values.js';
import { decodeEntry, decodeFailure, type RawEntry } from './stored-format.js';
import { TaggedKeys } from './tagged-keys.js';
import { UnreadableEntries } from './unreadable-entries.js';

export interface RedisStoreOptions {
  /** Closed with the store, so one of its own. */
  readonly client: Redis | Cluster;
  /** Begins the name of every key. */
  readonly prefix: string;
  readonly codec: Codec;
  /** Dates what happens before the server's first answer. */
  readonly clock: Clock;
  /**
   * Told of each entry that could not be read, which is then removed; but of those in the format of a newer release, which
   * stay, only of the first.
   */
  readonly onCorrupt?: ((key: string, error: unknown) => void) | undefined;
}

/** Entries in Redis, shared by all processes. What must be atomic is a script; a fresh hit is one HMGET. */
export class RedisStore implements Store {
  readonly capabilities: StoreCapabilities = { shared: true, fence: 'cluster' };

  readonly #link: RedisLink;
  readonly #names: KeyNames;
  readonly #reads: ReadBatch;
  readonly #tagged: TaggedKeys;
  readonly #orphans: OrphanLeases;
  readonly #codec: Codec;
  readonly #unreadable: UnreadableEntries;
  /** Tokens and generations must differ from those of every other process. */
  readonly #instance = randomBytes(9).toString('base64url');
  #sequence = 0;

  constructor({ client, prefix, codec, clock, onCorrupt }: RedisStoreOptions) {
    this.#link = new RedisLink(client, clock);
    this.#names = new KeyNames(prefix);
    this.#reads = new ReadBatch(this.#link);
    this.#tagged = new TaggedKeys(this.#link, this.#names);
    this.#orphans = new OrphanLeases(this.#link, this.#names);
    this.#codec = codec;
    this.#unreadable = new UnreadableEntries(this.#link, this.#names, onCorrupt ?? (() => undefined));
  }

  now(): number {
    return this.#link.now();
  }

  /** What other processes change in this store, for copies of its entries; to be closed before the store. */
  changeFeed(clock: Clock, onRefusal?: (error: unknown) => void): ChangeFeed {
    return new RedisChangeFeed({ client: this.#link.client, names: this.#names, clock, onRefusal });
  }

  read(key: string): Promise<Entry | undefined> {
    return this.#reads.read(this.#names.entry(key)).then(
      (raw) => this.#decode(key, raw),
      (error: unknown) => this.#unread(key, error),
    );
  }

  readMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    return Promise.all(keys.map((key) => this.read(key)));
  }

  async acquire(key: string, claim: Claim): Promise<Acquisition> {
    const token = this.#unique();
    const reply = await this.#runAcquire(key, token, claim);
    const kind = textAt(reply, 1) as Acquisition['kind'];
    switch (kind) {
      case 'granted':
        return {
          kind,
          lease: { key, token, grantedAt: numberAt(reply, 0) },
          failures: numberAt(reply, 2),
          previous: () => this.#decode(key, reply.slice(3)),
        };
      case 'busy':
        return { kind, token: textAt(reply, 2), remaining: numberAt(reply, 3) };
      case 'backoff':
        return { kind, remaining: numberAt(reply, 2) };
      case 'changed':
        return { kind };
    }
  }

  async renew({ key, token }: Lease, ms: number): Promise<boolean> {
    const reply = await this.#link.run('renew', key, this.#names.lease(key), token, wholeMs(ms));
    return textAt(reply, 1) === '1';
  }

  async commit({ key, token, grantedAt }: Lease, fill: Fill): Promise<CommitResult> {
    const [kind, ttl, grace, tags, value] = this.#encode(fill);
    let refused = false;
    if (fill.tags.length > 0) refused = await this.#tagged.enter(key, fill.tags, lifetime(fill), grantedAt);
    const grant = grantedAt.toFixed(3);
    const reply = await this.#run('commit', key, token, flag(refused), grant, kind, ttl, grace, tags, refused ? '' : value);
    return textAt(reply, 1) as CommitResult;
  }

  async release({ key, token }: Lease, ending: LeaseEnding): Promise<void> {
    const failed = ending.kind === 'failed' ? [ending.message, ms(ending.retryIn)] : ['', '0'];
    await this.#run('release', key, token, ending.kind, ...failed);
  }

  async set(key: string, fill: Fill): Promise<void> {
    const encoded = this.#encode(fill);
    const enter = (): Promise<boolean> => this.#tagged.enter(key, fill.tags, lifetime(fill), 0);
    const isTagged = fill.tags.length > 0;
    if (isTagged) await enter();
    await this.#run('set', key, this.#unique(), ...encoded);
    // No lease keeps the key in the index while it is not written yet: see TaggedKeys.
    if (isTagged) await enter();
  }

  async invalidate(key: string): Promise<Invalidation> {
    const reply = await this.#run('invalidate', key);
    return {
      found: textAt(reply, 1) === '1',
      held: textAt(reply, 2) === '1',
      generation: textAt(reply, 3),
      failure: decodeFailure(reply[4]),
    };
  }

  async delete(key: string): Promise<boolean> {
    return textAt(await this.#run('delete', key), 1) === '1';
  }

  async invalidateTags(tags: readonly string[]): Promise<void> {
    await this.#tagged.forEach(tags, 'invalidateTagged');
  }

  async deleteTags(tags: readonly string[]): Promise<void> {
    await this.#tagged.forEach(tags, 'deleteTagged');
  }

  async clear(): Promise<void> {
    try {
      await this.#link.ready();
      // Leases first: a holder who commits before his lease is found has written what the second pass removes. The
      // other way round, he could write behind the first pass and be gone before the second.
      for (const kind of ['lease', 'entry'] as const) await this.#removeAll(this.#names.pattern(kind));
    } catch (cause) {
      throw new StoreError('clear', { cause });
    }
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  async #removeAll(pattern: string): Promise<void> {
    const { client } = this.#link;
    await Promise.all(
      this.#link.masters().map(async (master) => {
        let cursor = '0';
        do {
          const [next, names] = await master.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
          await Promise.all(names.map((name) => client.unlink(...this.#names.both(name))));
          cursor = next;
        } while (cursor !== '0');
      }),
    );
  }

  #run(script: Parameters<RedisLink['run']>[0], key: string, ...args: (string | Buffer)[]): Promise<Reply> {
    return this.#link.run(script, key, this.#names.entry(key), this.#names.lease(key), ...args);
  }

  async #runAcquire(key: string, token: string, claim: Claim): Promise<Reply> {
    const { lease, generation, respectBackoff, takeOver } = claim;
    const wanted = generation === undefined ? '' : `=${generation}`;
    const isSent = this.#link.connected;
    try {
      return await this.#run('acquire', key, token, wholeMs(lease), wanted, flag(respectBackoff), flag(takeOver));
    } catch (error) {
      if (isSent) this.#orphans.add(key, token);
      throw error;
    }
  }

  #encode(fill: Fill): [kind: string, ttl: string, grace: string, tags: string, value: Buffer] {
    // A remembered error is never served past its ttl.
    const grace = fill.kind === 'error' ? 0 : fill.grace;
    return [fill.kind, ms(fill.ttl), ms(grace), JSON.stringify(fill.tags), this.#codec.encode(fill.value)];
  }

  #decode(key: string, raw: RawEntry): Entry | undefined {
    try {
      return decodeEntry(raw, this.#codec, key);
    } catch (error) {
      this.#unreadable.met(key, error, raw);
      return undefined;
    }
  }

  #unread(key: string, error: unknown): undefined {
    if (!(error instanceof Error && error.message.startsWith('WRONGTYPE'))) {
      throw new StoreError('read', { key, cause: error });
    }
    this.#unreadable.met(key, error);
  }

  #unique(): string {
    this.#sequence += 1;
    return `${this.#instance}.${this.#sequence.toString(36)}`;
  }
}

/** How long the entry will be kept at most. */
function lifetime(fill: Fill): number {
  return Math.min(fill.ttl, LONGEST) + Math.min(fill.grace, LONGEST);
}
