import type { Edit } from './mutant-core.js';
import type { Invariant } from './violation.js';
import type { World } from './world.js';

export interface Mutant {
  readonly name: string;
  readonly edits?: readonly Edit[];
  /** Of what stands around the core in the simulation. */
  readonly sabotage?: (world: World) => void;
  /** What may tell that it is broken. */
  readonly killedBy: readonly Invariant[];
}

/** Each breaks one thing on which the guarantees rest. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no fence: a commit is taken without its lease',
    edits: [
      {
        file: 'memory/memory-store',
        from: "    if (held === undefined) return 'lost';\n    this.#leases.delete(lease.key);\n    if (held.revoked",
        to: "    if (held === undefined) {\n      this.#write(lease.key, fill, lease.grantedAt, ++this.#serial);\n      return 'stored';\n    }\n    this.#leases.delete(lease.key);\n    if (held.revoked",
      },
    ],
    killedBy: ['I2'],
  },
  {
    name: 'a commit is taken under the lease of another holder',
    edits: [{ file: 'memory/memory-store', from: 'return held?.token === lease.token ? held : undefined;', to: 'return held;' }],
    killedBy: ['I1', 'I2'],
  },
  {
    name: 'a lease never expires',
    edits: [{ file: 'memory/memory-store', from: 'return held !== undefined && held.expiresAt > now ? held : undefined;', to: 'return held;' }],
    killedBy: ['I1', 'I2', 'I6', 'I7'],
  },
  {
    name: 'a lease is granted to whoever asks',
    edits: [{ file: 'memory/memory-store', from: 'if (holder !== undefined && !claim.takeOver) {', to: 'if (false) {' }],
    killedBy: ['I1'],
  },
  {
    name: 'a refresh by hand does not take over',
    edits: [{ file: 'core/by-hand', from: 'respectBackoff: false, takeOver: true', to: 'respectBackoff: false, takeOver: false' }],
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
    edits: [{ file: 'memory/memory-store', from: 'Math.min(entry.freshUntil, now - 1) - entry.storedAt', to: 'entry.freshUntil - entry.storedAt' }],
    killedBy: ['I3', 'I5'],
  },
  {
    name: 'delete leaves the lease',
    edits: [
      {
        file: 'memory/memory-store',
        from: '  delete(key: string): boolean {\n    this.#leases.delete(key);',
        to: '  delete(key: string): boolean {',
      },
    ],
    killedBy: ['I1', 'I2', 'I3'],
  },
  {
    name: 'a tag does not revoke what is being fetched',
    edits: [{ file: 'memory/memory-store', from: 'for (const tag of tags) held.revokedTags.add(tag);', to: '' }],
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
        file: 'core/refresh',
        from: 'const claim = { lease: job.policy.lease, generation, respectBackoff: true, takeOver: false };',
        to: 'const claim = { lease: job.policy.lease, generation, respectBackoff: false, takeOver: false };',
      },
    ],
    killedBy: ['I8'],
  },
  {
    name: 'a failure is not kept in the entry',
    edits: [{ file: 'core/fill', from: 'const ending = filling.recordFailure', to: 'const ending = false' }],
    killedBy: ['I8'],
  },
  {
    name: 'a revoked refresh is not followed by another one',
    edits: [{ file: 'core/refresh', from: "if (filled.kind === 'unstored' && filled.because === 'revoked') continue;", to: '' }],
    killedBy: ['I5'],
  },
  {
    name: 'who waited for a revoked fetch is given its value',
    edits: [
      {
        file: 'core/fetch-in-caller',
        from: "if (filled.because === 'revoked' || filled.because === 'lost') continue;",
        to: "if (filled.because === 'lost') continue;",
      },
    ],
    killedBy: ['I3'],
  },
  {
    name: 'who waited for a fetch whose lease was taken is given its value',
    edits: [
      {
        file: 'core/fetch-in-caller',
        from: "if (filled.because === 'revoked' || filled.because === 'lost') continue;",
        to: "if (filled.because === 'revoked') continue;",
      },
    ],
    killedBy: ['I3'],
  },
  {
    name: 'who waits for others has one deadline for all of them',
    edits: [{ file: 'core/fetch-in-caller', from: 'if (claimed.token !== holder) {', to: "if (holder === '') {" }],
    killedBy: ['I7'],
  },
  {
    name: 'a lease is not renewed',
    edits: [{ file: 'core/fetch', from: '  renewLater();\n  return () => {', to: '  return () => {' }],
    killedBy: ['I4'],
  },
  {
    name: 'a lease is renewed although its fetch is over',
    edits: [{ file: 'core/fetch', from: 'for (const stopRenewing of stopsRenewing) stopRenewing();', to: '' }],
    killedBy: ['I6'],
  },
  {
    name: 'each reader of a process fetches by himself',
    edits: [
      {
        file: 'core/fetch-in-caller',
        from: 'const claimed = await claim(reading, generation, stale !== undefined);',
        to: 'const claimed = undefined as Acquisition | undefined;',
      },
    ],
    killedBy: ['I4'],
  },
  {
    name: 'a process requests a refresh at every stale read',
    edits: [{ file: 'core/refresh-requests', from: 'if (mark?.generation === generation && mark.failures === failures && now < mark.until) return;', to: '' }],
    killedBy: ['I5'],
  },
  {
    name: 'what was requested once is never requested again',
    edits: [
      {
        file: 'core/refresh-requests',
        from: 'if (mark?.generation === generation && mark.failures === failures && now < mark.until) return;',
        to: 'if (mark?.generation === generation && mark.failures === failures) return;',
      },
    ],
    killedBy: ['I6'],
  },
  {
    name: 'a value counts as fresh up to the end of its grace',
    edits: [{ file: 'core/decide', from: 'if (now <= entry.freshUntil) {', to: 'if (now <= entry.freshUntil + entry.grace) {' }],
    killedBy: ['I3', 'I5', 'I6', 'I9'],
  },
  {
    name: 'a stale value is served past its grace',
    edits: [{ file: 'core/decide', from: 'now > entry.freshUntil + entry.grace) return', to: 'now > entry.freshUntil + 100 * entry.grace) return' }],
    killedBy: ['I9'],
  },
  {
    name: 'a stale value that could not be replaced is not served',
    edits: [{ file: 'core/fetch-in-caller', from: 'if (stale !== undefined && now <= servableUntil(stale)) {', to: 'if (stale !== undefined && now > servableUntil(stale)) {' }],
    killedBy: ['I7'],
  },
  {
    name: 'a failure of the store is reported twice',
    edits: [
      {
        file: 'core/job-core',
        from: '      this.reportStoreFailure(operation, key, error);\n      return undefined;',
        to: '      this.reportStoreFailure(operation, key, error);\n      this.reportStoreFailure(operation, key, error);\n      return undefined;',
      },
    ],
    killedBy: ['I7'],
  },
  {
    name: 'a failed refresh is not reported',
    edits: [
      {
        file: 'core/refresh',
        from: "      case 'failed':\n        job.reportRefreshFailure(key, filled.error, attempt, filled.retryIn);",
        to: "      case 'failed':",
      },
    ],
    killedBy: ['I7'],
  },
  {
    name: 'copies are kept although the feed said that they have changed',
    edits: [{ file: 'memory/near-store', from: 'for (const key of keys) this.#changed(key);', to: 'void keys;' }],
    killedBy: ['I3', 'I5', 'I6'],
  },
  {
    name: 'copies are kept when the feed is back',
    edits: [{ file: 'memory/near-store', from: 'restored: () => {\n        this.#forgetAll();', to: 'restored: () => {' }],
    killedBy: ['I3'],
  },
  {
    name: 'an answer is copied although the news that outdates it came first',
    edits: [{ file: 'memory/near-copies', from: 'if (changed || feed?.live === false) return undefined;', to: 'if (feed?.live === false) return undefined;' }],
    killedBy: ['I3'],
  },
  {
    name: 'a copy outlives a claim that found it out of date',
    edits: [{ file: 'memory/near-store', from: "if (acquired.kind === 'changed') this.#forget(key);", to: '' }],
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
