import type { Edit } from './mutant-core.js';
import type { Invariant } from './violation.js';
import type { World } from './world.js';

export interface Mutant {
  readonly name: string;
  readonly edits?: readonly Edit[];
  /** Breaks something around the core in the simulation. */
  readonly sabotage?: (world: World) => void;
  /** The first schedule, for a mutant that needs a rare coincidence. *Default:* 0. */
  readonly from?: number;
  /** The invariants that may be violated by it. */
  readonly killedBy: readonly Invariant[];
}

/** Each breaks one thing on which the guarantees rest. */
export const MUTANTS: readonly Mutant[] = [
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
    name: 'a forced refresh does not take over',
    edits: [
      {
        file: 'core/write/write',
        from: 'respectBackoff: false, takeOver: true',
        to: 'respectBackoff: false, takeOver: false',
      },
    ],
    killedBy: ['I4', 'I5'],
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
    name: 'a background refresh does not respect the backoff',
    edits: [
      {
        file: 'core/refresh/refresh',
        from: 'job.acquire(key, { generation, respectBackoff: true, takeOver: false })',
        to: 'job.acquire(key, { generation, respectBackoff: false, takeOver: false })',
      },
    ],
    killedBy: ['I8'],
  },
  {
    name: 'a failure is not kept in the entry',
    edits: [{ file: 'core/fill/fill', from: 'const ending = filling.recordFailure', to: 'const ending = false' }],
    killedBy: ['I8'],
  },
  {
    name: 'a revoked refresh is not followed by another one',
    edits: [
      {
        file: 'core/refresh/refresh',
        from: "return { kind: 'again' };",
        to: '',
      },
    ],
    killedBy: ['I5'],
  },
  {
    name: 'a reader that waited for a revoked fetch gets its value',
    edits: [
      {
        file: 'core/job/filled',
        from: "return filled.because !== 'unreachable';",
        to: "return filled.because === 'lost';",
      },
    ],
    killedBy: ['I3'],
  },
  {
    name: 'a reader that waited for a fetch whose lease was taken gets its value',
    edits: [
      {
        file: 'core/job/filled',
        from: "return filled.because !== 'unreachable';",
        to: "return filled.because === 'revoked';",
      },
    ],
    killedBy: ['I3'],
  },
  {
    name: 'who waited for a fetch that took the place of an older value is given it as fresh',
    edits: [{ file: 'core/job/filled', from: 'return filled.isStale;', to: 'return false;' }],
    killedBy: ['I3'],
  },
  {
    name: 'who waited for a fetch that failed before a change is told of it',
    edits: [{ file: 'core/job/filled', from: 'return filled.isChanged;', to: 'return false;' }],
    killedBy: ['I3'],
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
    name: 'a stale value that was fetched is not followed by a fresh one',
    edits: [
      {
        file: 'core/fill/follow-up',
        from: 'job.requests.want(job',
        to: 'void (() => undefined)(); if (key === "") job.requests.want(job',
      },
    ],
    killedBy: ['I5', 'I6'],
  },
  {
    name: 'a reader that waits for others has one deadline for all of them',
    edits: [{ file: 'core/read/wait-for-holder', from: 'if (claimed.token !== holder) {', to: "if (holder === '') {" }],
    killedBy: ['I7'],
    from: 10_000,
  },
  {
    name: 'a lease is not renewed',
    edits: [{ file: 'core/fill/fetch', from: 'void this.#renew();', to: '' }],
    killedBy: ['I4'],
  },
  {
    name: 'a lease is renewed although its fetch is over',
    edits: [{ file: 'core/fill/fetch', from: 'this.#cancelTick();', to: 'this.#left = Infinity;' }],
    killedBy: ['I6'],
  },
  {
    name: 'each reader of a process fetches by itself',
    edits: [
      {
        file: 'core/read/fetch-in-caller',
        from: 'const answer = claim(reading, generationOf(stale), stale !== undefined);',
        to: 'const answer = undefined as Acquisition | undefined;',
      },
    ],
    killedBy: ['I4'],
  },
  {
    name: 'a process requests a refresh at every stale read',
    edits: [
      {
        file: 'core/job/refresh-requests',
        from: 'if (mark?.generation === generation && mark.failures === failures && now < mark.until) return;',
        to: '',
      },
    ],
    killedBy: ['I5'],
  },
  {
    name: 'what was requested once is never requested again',
    edits: [
      {
        file: 'core/job/refresh-requests',
        from: 'if (mark?.generation === generation && mark.failures === failures && now < mark.until) return;',
        to: 'if (mark?.generation === generation && mark.failures === failures) return;',
      },
    ],
    killedBy: ['I6'],
  },
  {
    name: 'a value counts as fresh up to the end of its grace',
    edits: [
      {
        file: 'core/decide',
        from: 'if (isFresh(entry, now)) {',
        to: 'if (now <= entry.freshUntil + entry.grace) {',
      },
    ],
    killedBy: ['I3', 'I5', 'I6', 'I9'],
  },
  {
    name: 'a stale value is served past its grace',
    edits: [
      {
        file: 'core/decide',
        from: 'now > entry.freshUntil + entry.grace) return',
        to: 'now > entry.freshUntil + 100 * entry.grace) return',
      },
    ],
    killedBy: ['I9'],
  },
  {
    name: 'a stale value that could not be replaced is not served',
    edits: [
      {
        file: 'core/read/conclude',
        from: 'if (stale !== undefined && now <= servableUntil(stale)) {',
        to: 'if (stale !== undefined && now > servableUntil(stale)) {',
      },
    ],
    killedBy: ['I7'],
  },
  {
    name: 'a failure of the store is reported twice',
    edits: [
      {
        file: 'core/job/job-core',
        from: "this.environment.observer.observe({ type: 'store-failed', job: this.name, key, operation, error });",
        to: "for (let twice = 0; twice < 2; twice++) this.environment.observer.observe({ type: 'store-failed', job: this.name, key, operation, error });",
      },
    ],
    killedBy: ['I7'],
  },
  {
    name: 'a failed refresh is not reported',
    edits: [
      {
        file: 'core/refresh/refresh',
        from: "      case 'failed':\n        job.reportRefreshFailure(key, filled.error, attempt, filled.retryIn);",
        to: "      case 'failed':",
      },
    ],
    killedBy: ['I7'],
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
];
