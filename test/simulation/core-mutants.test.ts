import { describeMutants } from './describe-mutants.js';

// What reads, fetches and refreshes may do with what the store says.
describeMutants('of the core', [
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
]);
