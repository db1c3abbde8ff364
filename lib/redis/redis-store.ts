import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { isFromTheFuture } from '../core/decide.js';
import { LONGEST } from '../core/policy/duration.js';
import type { Entry, Fill } from '../core/entry.js';
import { StoreError } from '../core/errors.js';
import { withoutCommands } from '../core/without-commands.js';
import type {
  Acquisition,
  ChangeFeed,
  Claim,
  Clock,
  Codec,
  CommitResult,
  Invalidation,
  KeyPage,
  Lease,
  LeaseEnding,
  ReleaseResult,
  Store,
  StoreCapabilities,
} from '../core/ports.js';
import { KeyNames } from './key-names.js';
import { UnacknowledgedLeases } from './unacknowledged-leases.js';
import { ReadBatch } from './read-batch.js';
import { RedisChangeFeed } from './redis-change-feed.js';
import { RedisLink, type Reply } from './redis-link.js';
import { KeyScan } from './key-scan.js';
import { RedisNoticeboard } from './redis-noticeboard.js';
import { flag, ms, numberAt, textAt, wholeMs } from './script-arguments.js';
import { decodeEntry, decodeFailure, type RawEntry } from './stored-format.js';
import { type TagChange, TagIndex } from './tag-index.js';
import { UnreadableEntries } from './unreadable-entries.js';

/** What a `RedisStore` is made of. */
export interface RedisStoreOptions {
  /** A client for this store alone: the store closes it. */
  readonly client: Redis | Cluster;
  /** The beginning of the name of every key. */
  readonly prefix: string;
  /** Turns values into bytes and back. */
  readonly codec: Codec;
  /** Gives the time until the server has answered for the first time. */
  readonly clock: Clock;
  /**
   * Called for each entry that could not be read, which is then removed. Entries in the format of a newer release stay,
   * and only the first of them is reported.
   */
  readonly onCorrupt?: ((key: string, error: unknown) => void) | undefined;
}

/** As the commit script takes it. */
const REVOCATION = { none: '0', invalidated: '1', removed: '2' } as const satisfies Record<TagChange, string>;

/** Entries in Redis, shared by all processes. Whatever must be atomic is a script. A fresh hit is one HMGET. */
export class RedisStore implements Store {
  /** All processes see the same entries, and a lease holds for all of them. */
  readonly capabilities: StoreCapabilities = { shared: true, fence: 'cluster' };

  readonly #link: RedisLink;
  readonly #names: KeyNames;
  readonly noticeboard: RedisNoticeboard;
  readonly #reads: ReadBatch;
  readonly #keyScan: KeyScan;
  readonly #tagIndex: TagIndex;
  readonly #unacknowledged: UnacknowledgedLeases;
  readonly #codec: Codec;
  readonly #unreadable: UnreadableEntries;
  /** Part of tokens and generations, which must differ from those of every other process. */
  readonly #instance = randomBytes(9).toString('base64url');
  #sequence = 0;
  /** When this process was granted a lease, by its monotonic clock, which nobody sets. */
  readonly #grantedAt = new WeakMap<Lease, number>();

  constructor({ client, prefix, codec, clock, onCorrupt }: RedisStoreOptions) {
    this.#link = new RedisLink(client, clock);
    this.#names = new KeyNames(prefix);
    this.noticeboard = new RedisNoticeboard(this.#link, this.#names);
    this.#keyScan = new KeyScan(this.#link, this.#names);
    this.#reads = new ReadBatch(this.#link);
    this.#tagIndex = new TagIndex(this.#link, this.#names, (act) =>
      this.#forAll('tags', '', (name) => act(this.#names.keyOf(name))),
    );
    this.#unacknowledged = new UnacknowledgedLeases(this.#link, this.#names);
    this.#codec = codec;
    this.#unreadable = new UnreadableEntries(this.#link, this.#names, onCorrupt ?? (() => undefined));
  }

  now(): number {
    return this.#link.now();
  }

  /** Reports what other processes change in this store, for copies of its entries. Close it before the store. */
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

  /** Costs SCAN steps over the whole database, whatever else it holds: at most ten of 1,000 names each. */
  browse(prefix: string, cursor: string, atLeast: number): Promise<KeyPage> {
    return this.#keyScan.page(prefix, cursor, atLeast);
  }

  async acquire(key: string, claim: Claim): Promise<Acquisition> {
    const token = this.#unique();
    const reply = await this.#runAcquire(key, token, claim);
    const kind = textAt(reply, 1) as Acquisition['kind'];
    switch (kind) {
      case 'granted': {
        const lease = { key, token, grantedAt: numberAt(reply, 0) };
        this.#grantedAt.set(lease, performance.now());
        return {
          kind,
          lease,
          failures: numberAt(reply, 2),
          previous: () => this.#decode(key, reply.slice(3)),
        };
      }
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

  commit(lease: Lease, fill: Fill): Promise<CommitResult> {
    return this.#ending(lease, () => this.#commit(lease, fill));
  }

  release(lease: Lease, ending: LeaseEnding, tags: readonly string[] = []): Promise<ReleaseResult> {
    return this.#ending(lease, () => this.#release(lease, ending, tags));
  }

  async leaseRemaining(key: string): Promise<number | undefined> {
    await this.#link.ready();
    const remaining = await this.#link.client.pttl(this.#names.lease(key));
    return remaining > 0 ? remaining : undefined;
  }

  async set(key: string, fill: Fill): Promise<void> {
    const encoded = this.#encode(fill);
    const enter = (): Promise<TagChange> => this.#tagIndex.enter(key, fill.tags, lifetime(fill), 0);
    const isTagged = fill.tags.length > 0;
    if (isTagged) await enter();
    await this.#run('set', key, this.#unique(), ...encoded);
    // Without a lease nothing keeps the key in the index until it is written, so it is entered once more: see TagIndex.
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
    await this.#tagIndex.forEach(tags, 'invalidateTagged');
  }

  async deleteTags(tags: readonly string[]): Promise<void> {
    await this.#tagIndex.forEach(tags, 'deleteTagged');
  }

  /**
   * Costs one SCAN over the whole database, whatever else it holds, and one script for each entry and lease of the
   * prefix.
   */
  async invalidateAll(prefix: string): Promise<void> {
    await this.#forAll('invalidateAll', prefix, (name) => this.#run('invalidate', this.#names.keyOf(name)));
  }

  /** Costs as much as `invalidateAll`. */
  async deleteAll(prefix: string): Promise<void> {
    await this.#forAll('deleteAll', prefix, (name) => this.#run('delete', this.#names.keyOf(name)));
  }

  async clear(): Promise<void> {
    const { client } = this.#link;
    await this.#forAll('clear', '', (name) => client.unlink(...this.#names.both(name)));
  }

  /** Closes the client. Entries stay. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  /**
   * Runs `act` for the key of every lease and every entry of a prefix. Leases come first: if a holder commits before
   * its lease is found, the second pass finds the entry that it wrote. In the opposite order, a holder could write
   * after the first pass and be gone before the second.
   */
  async #forAll(operation: string, keyPrefix: string, act: (name: string) => Promise<unknown>): Promise<void> {
    const failures: unknown[] = [];
    // One key that fails does not keep the operation from the others.
    const actOn = (name: string): Promise<unknown> => act(name).catch((error: unknown) => failures.push(error));
    try {
      await this.#link.ready();
      for (const kind of ['lease', 'entry'] as const) await this.#scan(this.#names.pattern(kind, keyPrefix), actOn);
      if (failures.length > 0) throw failures[0];
    } catch (cause) {
      throw new StoreError(operation, { cause });
    }
  }

  async #scan(pattern: string, act: (name: string) => Promise<unknown>): Promise<void> {
    await Promise.all(
      this.#link.masters().map(async (master) => {
        let cursor = '0';
        do {
          const [next, names] = await master.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
          await Promise.all(names.map(act));
          cursor = next;
        } while (cursor !== '0');
      }),
    );
  }

  #run(script: Parameters<RedisLink['run']>[0], key: string, ...args: (string | Buffer)[]): Promise<Reply> {
    return this.#link.run(script, key, this.#names.entry(key), this.#names.lease(key), ...args);
  }

  /** Ends a lease. Where it is unknown whether the server has ended it, it is ended on the next connection. */
  async #ending<Result>({ key, token }: Lease, end: () => Promise<Result>): Promise<Result> {
    try {
      const result = await end();
      this.#unacknowledged.delete(token);
      return result;
    } catch (error) {
      this.#unacknowledged.add(key, token);
      throw error;
    }
  }

  async #commit(lease: Lease, fill: Fill): Promise<CommitResult> {
    const { key, token, grantedAt } = lease;
    const [kind, ttl, grace, tags, value, inherited] = this.#encode(fill);
    const change =
      fill.tags.length === 0
        ? 'none'
        : await this.#tagIndex.enter(key, fill.tags, lifetime(fill), grantedAt, this.#elapsed(lease));
    const grant = grantedAt.toFixed(3);
    const reply = await this.#run(
      'commit',
      key,
      token,
      REVOCATION[change],
      grant,
      kind,
      ttl,
      grace,
      tags,
      change === 'removed' ? '' : value,
      inherited,
    );
    return textAt(reply, 1) as CommitResult;
  }

  async #release(lease: Lease, ending: LeaseEnding, tags: readonly string[]): Promise<ReleaseResult> {
    const { key, token, grantedAt } = lease;
    const failed = ending.kind === 'failed' ? [ending.message, ms(ending.retryIn)] : ['', '0'];
    const changed = tags.length > 0 && (await this.#tagIndex.isChangedSince(tags, grantedAt, this.#elapsed(lease)));
    const reply = await this.#run('release', key, token, ending.kind, ...failed, flag(changed), JSON.stringify(tags));
    return textAt(reply, 1) as ReleaseResult;
  }

  async #runAcquire(key: string, token: string, claim: Claim): Promise<Reply> {
    const { lease, generation, respectBackoff, takeOver } = claim;
    const wanted = generation === undefined ? '' : `=${generation}`;
    const isSent = this.#link.connected;
    try {
      return await this.#run('acquire', key, token, wholeMs(lease), wanted, flag(respectBackoff), flag(takeOver));
    } catch (error) {
      if (isSent) this.#unacknowledged.add(key, token);
      throw error;
    }
  }

  #encode(fill: Fill): [kind: string, ttl: string, grace: string, tags: string, value: Buffer, inherited: string] {
    // A remembered error is never served past its ttl.
    const grace = fill.kind === 'error' ? 0 : fill.grace;
    const inherited = fill.inheritedAge === undefined ? '' : ms(fill.inheritedAge);
    return [fill.kind, ms(fill.ttl), ms(grace), JSON.stringify(fill.tags), this.#codec.encode(fill.value), inherited];
  }

  #decode(key: string, raw: RawEntry): Entry | undefined {
    try {
      const now = this.now();
      // Masters of a Cluster have clocks of their own: one that is ahead is no sign that another was set back.
      if (this.#link.isCluster) return decodeEntry(raw, this.#codec, key, now);
      const entry = decodeEntry(raw, this.#codec, key);
      if (entry !== undefined && isFromTheFuture(entry.storedAt, now)) this.#link.doubtTime();
      return entry;
    } catch (error) {
      this.#unreadable.met(key, error, raw);
      return undefined;
    }
  }

  #unread(key: string, error: unknown): undefined {
    if (!(error instanceof Error && error.message.startsWith('WRONGTYPE'))) {
      throw new StoreError('read', { key, cause: this.#link.causeOf(error) });
    }
    this.#unreadable.met(key, withoutCommands(error));
  }

  /** Milliseconds since the grant; 0 where that is not known. */
  #elapsed(lease: Lease): number {
    const grantedAt = this.#grantedAt.get(lease);
    return grantedAt === undefined ? 0 : performance.now() - grantedAt;
  }

  #unique(): string {
    this.#sequence += 1;
    return `${this.#instance}.${this.#sequence.toString(36)}`;
  }
}

/** Milliseconds for which the entry is kept at most. */
function lifetime(fill: Fill): number {
  return Math.min(fill.ttl, LONGEST) + Math.min(fill.grace, LONGEST);
}
