import { describe, expect, it } from 'vitest';
import type { ChaosLog, LoggedChange, LoggedFault, LoggedFetch, LoggedRead } from './chaos-log.js';
import {
  answers,
  check,
  fetchesPerWindow,
  lostRefreshes,
  orphans,
  overlaps,
  resurrections,
  staleness,
  stuckKeys,
} from './checks.js';
import type { Verdict } from './verdict.js';

// Hand-made logs, each with one thing that must not happen. Times are milliseconds.

const KEY = 'job a';

function logOf(parts: Partial<ChaosLog>): ChaosLog {
  return {
    bounds: { ttl: 1_000, grace: 20_000, lease: 3_000, refreshTimeout: 3_000, fetchTimeout: 5_000, near: false },
    fetches: [],
    reads: [],
    changes: [],
    faults: [],
    endings: [],
    leftovers: { leases: [], requests: [] },
    endedAt: 100_000,
    ...parts,
  };
}

let ids = 0;
const fetched = (startedAt: number, endedAt: number | undefined, more: Partial<LoggedFetch> = {}): LoggedFetch => {
  return { id: ++ids, key: KEY, process: 'worker-1', startedAt, endedAt, outcome: 'answered', ...more };
};
const read = (start: number, more: Partial<LoggedRead> = {}): LoggedRead => {
  return { process: 'web-1', key: KEY, start, end: start + 5, status: 'hit', version: 1, fetch: 1, ...more };
};
const changed = (start: number, more: Partial<LoggedChange> = {}): LoggedChange => {
  return { kind: 'delete', process: 'web-1', key: KEY, version: 2, start, end: start + 5, acknowledged: true, ...more };
};
const fault = (kind: LoggedFault['kind'], start: number, end: number, process?: string): LoggedFault => {
  return { kind, start, end, process };
};

function expectFound({ violations }: Verdict, what: RegExp): void {
  expect(violations).toHaveLength(1);
  expect(violations[0]).toMatch(what);
}

function expectNothing({ violations, judged }: Verdict): void {
  expect(violations).toEqual([]);
  expect(judged).toBeGreaterThan(0);
}

describe('overlaps', () => {
  const two = [fetched(10_000, 10_100), fetched(10_050, 10_200, { process: 'worker-2' })];

  it('finds two fetches of one key at a time', () => {
    expectFound(overlaps(logOf({ fetches: two })), /fetch \d+ by worker-2 at 10\.050 s/);
  });

  it('finds one that began while an earlier one had not ended', () => {
    expectFound(overlaps(logOf({ fetches: [fetched(10_000, undefined), fetched(10_500, 10_600)] })), /was under way/);
  });

  it('lets one begin when the other has ended, or fetches of two keys run at a time', () => {
    expectNothing(overlaps(logOf({ fetches: [fetched(10_000, 10_100), fetched(10_100, 10_200)] })));
    expect(overlaps(logOf({ fetches: [two[0]!, { ...two[1]!, key: 'job b' }] })).violations).toEqual([]);
  });

  it('excuses it by a delete in between, by a store that was down, by a process that stood still', () => {
    expectNothing(overlaps(logOf({ fetches: two, changes: [changed(10_010)] })));
    expectNothing(overlaps(logOf({ fetches: two, faults: [fault('store down', 9_000, 10_000)] })));
    const late = [fetched(10_000, 14_000), fetched(13_900, 14_200)];
    expectNothing(overlaps(logOf({ fetches: late, faults: [fault('frozen', 10_010, 13_000, 'worker-1')] })));
  });

  it('excuses it by a store that was down while the process stood still', () => {
    const faults = [fault('store down', 2_000, 3_000), fault('frozen', 2_500, 9_900, 'worker-2')];
    expectNothing(overlaps(logOf({ fetches: two, faults })));
    expectFound(overlaps(logOf({ fetches: two, faults: [faults[0]!, fault('frozen', 2_500, 9_900, 'web-1')] })), /way/);
  });

  it('does not excuse it by an invalidation, another process that stood still, or a queue that was down', () => {
    expectFound(overlaps(logOf({ fetches: two, changes: [changed(10_010, { kind: 'invalidate' })] })), /under way/);
    const faults = [fault('frozen', 5_000, 10_040, 'web-1'), fault('queue down', 9_000, 11_000)];
    expectFound(overlaps(logOf({ fetches: two, faults })), /under way/);
  });
});

describe('fetchesPerWindow', () => {
  const two = [fetched(10_000, 10_100), fetched(10_500, 10_600)];

  it('finds a fetch that came too soon after the last one', () => {
    expectFound(fetchesPerWindow(logOf({ fetches: two })), /500 ms after/);
  });

  it('lets one come when the ttl is over', () => {
    expectNothing(fetchesPerWindow(logOf({ fetches: [fetched(10_000, 10_100), fetched(11_000, 11_100)] })));
  });

  it('excuses it by an invalidation in between, a failure of the last fetch, or the death of its process', () => {
    expectNothing(fetchesPerWindow(logOf({ fetches: two, changes: [changed(10_200, { kind: 'invalidate' })] })));
    expectNothing(fetchesPerWindow(logOf({ fetches: [fetched(10_000, 10_100, { outcome: 'failed' }), two[1]!] })));
    expectNothing(fetchesPerWindow(logOf({ fetches: two, faults: [fault('killed', 10_110, 10_110, 'worker-1')] })));
  });

  it('does not excuse it by a queue that was down', () => {
    expectFound(
      fetchesPerWindow(logOf({ fetches: two, faults: [fault('queue down', 9_000, 11_000)] })),
      /500 ms after/,
    );
  });
});

describe('resurrections', () => {
  it('finds an old value after a delete', () => {
    expectFound(resurrections(logOf({ changes: [changed(10_000)], reads: [read(10_006)] })), /version 1 \(hit\)/);
    expectFound(
      resurrections(logOf({ changes: [changed(10_000)], reads: [read(10_006, { status: 'stale' })] })),
      /stale/,
    );
  });

  it('finds one that is given as fresh after an invalidation, and lets it be given as stale', () => {
    const changes = [changed(10_000, { kind: 'invalidateTag' })];
    expectFound(resurrections(logOf({ changes, reads: [read(60_000)] })), /after invalidateTag of version 2/);
    expectNothing(resurrections(logOf({ changes, reads: [read(10_006, { status: 'stale' })] })));
  });

  it('lets everything be given before the change is acknowledged, or when it was refused', () => {
    expectNothing(resurrections(logOf({ changes: [changed(10_000)], reads: [read(10_004)] })));
    expectNothing(resurrections(logOf({ changes: [changed(10_000, { acknowledged: false })], reads: [read(10_006)] })));
  });

  it('allows a value that was set after the change, or may have been', () => {
    const late = changed(9_000, { kind: 'set', version: 1, end: 10_100 });
    const by = (set: LoggedChange): ChaosLog =>
      logOf({ changes: [changed(10_000), set], reads: [read(11_000, { fetch: 0 })] });
    expectNothing(resurrections(by(late)));
    expectNothing(resurrections(by({ ...late, end: undefined, acknowledged: false })));
    expectNothing(resurrections(by({ ...late, end: 9_005, acknowledged: false })));
    expectFound(resurrections(by({ ...late, end: 9_005 })), /version 1/);
  });

  it('excuses a reader that joins a fetch which its own process began without the store, and no other', () => {
    const fetches = [fetched(9_400, 11_500, { id: 5, process: 'web-1' })];
    const changes = [changed(10_000)];
    const faults = [fault('store down', 9_000, 9_500)];
    const joins = read(10_100, { end: 11_500, status: 'miss', fetch: 5 });
    expectNothing(resurrections(logOf({ fetches, changes, faults, reads: [joins] })));
    expectFound(resurrections(logOf({ fetches, changes, reads: [joins] })), /version 1/);
    expectFound(
      resurrections(logOf({ fetches, changes, faults, reads: [{ ...joins, process: 'web-2' }] })),
      /version 1/,
    );
    expectFound(resurrections(logOf({ fetches, changes, faults, reads: [{ ...joins, status: 'hit' }] })), /version 1/);
    expectFound(resurrections(logOf({ fetches, changes, faults, reads: [{ ...joins, start: 13_000 }] })), /version 1/);
  });

  it('excuses moments of a copy near the reader, and a store that was down, only where there are copies', () => {
    const soon = { changes: [changed(10_000)], reads: [read(10_100)] };
    const down = { ...soon, reads: [read(12_000)], faults: [fault('store down', 9_000, 9_500)] };
    const near = { ...logOf({}).bounds, near: true };
    expectNothing(resurrections(logOf({ ...soon, bounds: near })));
    expectNothing(resurrections(logOf({ ...down, bounds: near })));
    expectFound(resurrections(logOf(down)), /version 1/);
    expectFound(resurrections(logOf({ ...soon, reads: [read(11_000)], bounds: near })), /version 1/);
  });
});

describe('staleness', () => {
  const fetches = [fetched(10_000, 10_100, { id: 7 })];

  it('finds a value that is given as fresh when it is not', () => {
    expectFound(
      staleness(logOf({ fetches, reads: [read(12_000, { fetch: 7 })] })),
      /a hit at 12\.000 s of a value of 10\.000 s/,
    );
  });

  it('finds a value that is given when its grace is over', () => {
    expectFound(staleness(logOf({ fetches, reads: [read(32_000, { fetch: 7, status: 'stale' })] })), /a stale at/);
  });

  it('finds a set value that is too old, and a value that was never fetched or set', () => {
    const changes = [changed(10_000, { kind: 'set' })];
    const set = { fetch: 0, version: 2 };
    expectFound(staleness(logOf({ changes, reads: [read(12_000, set)] })), /a hit at/);
    expectNothing(staleness(logOf({ changes, reads: [read(11_000, set)] })));
    expectFound(staleness(logOf({ reads: [read(12_000, { fetch: 99 })] })), /nobody knows when/);
  });

  it('lets a fresh and a stale one be given in time', () => {
    const reads = [read(10_900, { fetch: 7 }), read(30_000, { fetch: 7, status: 'stale' })];
    expectNothing(staleness(logOf({ fetches, reads })));
  });
});

describe('lostRefreshes', () => {
  const reads = [read(20_000, { fetch: 7, status: 'stale' })];
  const first = fetched(18_500, 18_600, { id: 7 });

  it('finds a stale value that was not fetched again', () => {
    expectFound(lostRefreshes(logOf({ fetches: [first], reads })), /nobody fetched it until 29\.755 s/);
    expectFound(lostRefreshes(logOf({ fetches: [first, fetched(31_000, 31_100)], reads })), /nobody fetched it/);
  });

  it('lets it be fetched in time, or be deleted', () => {
    expectNothing(lostRefreshes(logOf({ fetches: [first, fetched(26_000, 26_100)], reads })));
    expectNothing(lostRefreshes(logOf({ fetches: [first], changes: [changed(21_000)], reads })));
  });

  it('gives it more time when there were no workers, and not for ever', () => {
    const faults = [fault('no workers', 19_000, 25_000)];
    expectNothing(lostRefreshes(logOf({ fetches: [first, fetched(36_000, 36_100)], reads, faults })));
    expectFound(lostRefreshes(logOf({ fetches: [first, fetched(39_000, 39_100)], reads, faults })), /until 37\.250 s/);
  });
});

describe('answers', () => {
  it('finds a read that failed while the origin worked', () => {
    const reads = [read(10_000, { error: 'no' })];
    expectFound(answers(logOf({ reads })), /failed: no/);
    expectNothing(answers(logOf({ reads, faults: [fault('origin down', 9_000, 10_500)] })));
  });

  it('finds a read that took too long, but for the time that its process stood still', () => {
    const reads = [read(10_000, { end: 20_000 })];
    expectFound(answers(logOf({ reads })), /waited for 10000 ms/);
    expectNothing(answers(logOf({ reads, faults: [fault('frozen', 10_100, 19_000, 'web-1')] })));
  });
});

describe('stuckKeys', () => {
  it('finds a key that a process is left with', () => {
    const ending = { process: 'web-1', key: KEY, version: 3, current: 3 };
    expectNothing(stuckKeys(logOf({ endings: [ending] })));
    expectFound(stuckKeys(logOf({ endings: [ending, { ...ending, version: 2 }] })), /version 2 of 3/);
    expectFound(stuckKeys(logOf({ endings: [{ ...ending, version: undefined }] })), /version none of 3/);
  });
});

describe('orphans', () => {
  it('finds a lease and a request that are left behind', () => {
    expectFound(orphans(logOf({ leftovers: { leases: ['p:l:{a}'], requests: [] } })), /a lease: p:l:\{a\}/);
    expectFound(orphans(logOf({ leftovers: { leases: [], requests: ['p:de:x'] } })), /of the queue: p:de:x/);
  });
});

it('makes every check', () => {
  expect(check(logOf({}))).toHaveLength(8);
});
