import { describeMutants } from './describe-mutants.js';

// What a store, copies near the reader and a queue promise to the core.
describeMutants('of stores and queues', [
  {
    name: 'no fence: a commit is taken without its lease',
    edits: [
      {
        file: 'memory/memory-store',
        from: "    if (held === undefined) return 'lost';\n    this.#leases.end(lease.key);\n    const isRevoked = isRevokedFor(held, fill.tags);",
        to: "    if (held === undefined) {\n      this.#write(lease.key, fill, lease.grantedAt, this.#leases.nextSerial());\n      return 'stored';\n    }\n    this.#leases.end(lease.key);\n    const isRevoked = isRevokedFor(held, fill.tags);",
      },
    ],
    killedBy: ['I2'],
  },
  {
    name: 'a commit is taken under the lease of another holder',
    edits: [
      {
        file: 'memory/leases',
        from: 'return held?.token === lease.token ? held : undefined;',
        to: 'return held;',
      },
    ],
    killedBy: ['I1', 'I2'],
  },
  {
    name: 'a lease never expires',
    edits: [
      {
        file: 'memory/leases',
        from: 'return held !== undefined && held.expiresAt > now ? held : undefined;',
        to: 'return held;',
      },
    ],
    killedBy: ['I1', 'I2', 'I6', 'I7'],
  },
  {
    name: 'a lease is granted to every claim',
    edits: [
      { file: 'memory/memory-store', from: 'if (holder !== undefined && !claim.takeOver) {', to: 'if (false) {' },
    ],
    killedBy: ['I1'],
  },
  {
    name: 'the generation of a claim is ignored',
    edits: [
      {
        file: 'memory/memory-store',
        from: 'if (claim.generation !== undefined && !isGeneration(stored, claim.generation, now)) {',
        to: 'if (false) {',
      },
    ],
    killedBy: ['I5'],
  },
  {
    name: 'the generation of a claim is compared the wrong way round',
    edits: [
      {
        file: 'memory/memory-store',
        from: 'if (claim.generation !== undefined && !isGeneration(stored, claim.generation, now)) {',
        to: 'if (claim.generation !== undefined && isGeneration(stored, claim.generation, now)) {',
      },
    ],
    killedBy: ['I4', 'I5', 'I6'],
  },
  {
    name: 'invalidate does not revoke',
    edits: [{ file: 'memory/memory-store', from: 'if (holder !== undefined) holder.revoked = true;', to: '' }],
    killedBy: ['I2', 'I3'],
  },
  {
    name: 'invalidate leaves the entry fresh',
    edits: [
      {
        file: 'memory/memory-store',
        from: 'Math.min(entry.freshUntil, this.now() - 1) - entry.storedAt',
        to: 'entry.freshUntil - entry.storedAt',
      },
    ],
    killedBy: ['I3', 'I5'],
  },
  {
    name: 'delete leaves the lease',
    edits: [
      {
        file: 'memory/memory-store',
        from: '  delete(key: string): boolean {\n    this.#leases.end(key);',
        to: '  delete(key: string): boolean {',
      },
    ],
    killedBy: ['I1', 'I2', 'I3'],
  },
  {
    name: 'a tag does not revoke what is being fetched',
    edits: [
      {
        file: 'memory/leases',
        from: 'for (const tag of tags) held.revokedTags.set(tag, isRemoval || held.revokedTags.get(tag) === true);',
        to: '',
      },
    ],
    killedBy: ['I2', 'I3'],
  },
  {
    name: 'an entry is dated from its commit',
    edits: [
      {
        file: 'memory/memory-store',
        from: 'this.#write(lease.key, fill, lease.grantedAt, held.serial);',
        to: 'this.#write(lease.key, fill, this.now(), held.serial);',
      },
    ],
    killedBy: ['I9'],
  },
  {
    name: 'the store does not look at the backoff',
    edits: [
      {
        file: 'memory/memory-store',
        from: 'if (claim.respectBackoff && entry?.failure !== undefined && backingOff(entry, now)) {',
        to: 'if (false) {',
      },
    ],
    killedBy: ['I8'],
  },
  {
    name: 'what was invalidated during its fetch is stored as fresh',
    edits: [
      {
        file: 'memory/memory-store',
        from: "    this.#makeStale(lease.key);\n    return 'stale';",
        to: "    return 'stale';",
      },
    ],
    killedBy: ['I2'],
  },
  {
    name: 'copies are kept although the feed said that they have changed',
    edits: [{ file: 'near/near-store', from: 'for (const key of keys) this.#changed(key);', to: 'void keys;' }],
    killedBy: ['I3', 'I5', 'I6'],
  },
  {
    name: 'copies are kept when the feed is back',
    edits: [
      { file: 'near/near-store', from: 'restored: () => {\n        this.#forgetAll();', to: 'restored: () => {' },
    ],
    killedBy: ['I3'],
  },
  {
    name: 'an answer is copied although the news that outdates it came first',
    edits: [
      {
        file: 'near/near-copies',
        from: 'if (changed || feed?.live === false) return undefined;',
        to: 'if (feed?.live === false) return undefined;',
      },
    ],
    killedBy: ['I3'],
  },
  {
    name: 'the in-process queue takes the same request twice',
    edits: [{ file: 'memory/in-process-refresh-queue', from: 'if (this.#tickets.has(id)) continue;', to: '' }],
    killedBy: ['I5'],
  },
  {
    name: 'the shared queue takes the same request twice',
    sabotage: (world) => {
      world.queue.deduplicates = false;
    },
    killedBy: ['I5'],
  },
]);
