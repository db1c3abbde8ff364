import type { ChaosLog, LoggedChange, LoggedFetch, LoggedRead } from './chaos-log.js';
import { at, byKey, Findings, frozenFor, RECOVERY, SLACK, troubled, type Verdict, withoutStore } from './verdict.js';

/** Milliseconds after a change for which another process's copy may still be the old one. */
const MOMENTS = 500;
/** Milliseconds by which the origin may see a fetch begin later than its process does. */
const ON_THE_WAY = 300;
/** Milliseconds for which the store may delay a reader: one deadline for the read and one for the lease. */
const STORE_WAITS = 1_500;

export function check(log: ChaosLog): Verdict[] {
  return [
    overlaps(log),
    fetchesPerWindow(log),
    resurrections(log),
    staleness(log),
    lostRefreshes(log),
    answers(log),
    stuckKeys(log),
    orphans(log),
  ];
}

/** There are never two fetches of one key at the same time. */
export function overlaps(log: ChaosLog): Verdict {
  const { lease, fetchTimeout } = log.bounds;
  const findings = new Findings();
  const changes = byKey(log.changes);
  for (const [key, fetches] of byKey(log.fetches)) {
    const own = fetches.toSorted(byStart);
    own.forEach((fetch, index) => {
      for (const earlier of own.slice(Math.max(0, index - 8), index)) {
        findings.judge(
          (earlier.endedAt ?? Infinity) <= fetch.startedAt,
          () =>
            takesLease(changes.get(key), earlier.startedAt - ON_THE_WAY, fetch.startedAt) ||
            earlier.startedAt + fetchTimeout - SLACK < fetch.startedAt ||
            withoutStore(log, earlier.startedAt, fetch.startedAt, earlier.process, fetch.process) ||
            // A lease is renewed every third of its length, so it survives a standstill of up to two thirds.
            frozenFor(log, earlier.process, earlier.startedAt, fetch.startedAt) > (2 / 3) * lease - SLACK,
          () =>
            `${key}: fetch ${fetch.id} by ${fetch.process} at ${at(fetch.startedAt)}, while ${earlier.id} by ${earlier.process} was under way`,
        );
      }
    });
  }
  return findings.verdict('one fetch of a key at a time');
}

/**
 * There is one fetch each time that a key becomes stale: the next one begins a ttl after the last, or after a change.
 */
export function fetchesPerWindow(log: ChaosLog): Verdict {
  const { ttl } = log.bounds;
  const findings = new Findings();
  const changes = byKey(log.changes);
  for (const [key, fetches] of byKey(log.fetches)) {
    const own = fetches.toSorted(byStart);
    own.slice(1).forEach((fetch, index) => {
      const last = own[index]!;
      const stored = (last.endedAt ?? last.startedAt) + SLACK;
      findings.judge(
        fetch.startedAt - last.startedAt >= ttl - ON_THE_WAY,
        () =>
          last.outcome !== 'answered' ||
          meets(changes.get(key), last.startedAt - SLACK, fetch.startedAt) ||
          withoutStore(log, last.startedAt, fetch.startedAt, last.process, fetch.process) ||
          // The value was fetched, but the process that should have stored it was gone.
          troubled(log, ['killed', 'frozen', 'no workers'], last.startedAt, stored, last.process),
        () =>
          `${key}: fetch ${fetch.id} by ${fetch.process} at ${at(fetch.startedAt)}, ${Math.round(fetch.startedAt - last.startedAt)} ms after ${last.id} by ${last.process}`,
      );
    });
  }
  return findings.verdict('one fetch of a key and window');
}

/** A value that was outdated when a change was acknowledged is given to no reader that asks after that. */
export function resurrections(log: ChaosLog): Verdict {
  const { near } = log.bounds;
  const findings = new Findings();
  const changes = byKey(log.changes);
  const fetches = new Map(log.fetches.map((fetch) => [fetch.id, fetch]));
  for (const [key, reads] of byKey(log.reads)) {
    const own = changes.get(key)?.filter(({ acknowledged }) => acknowledged) ?? [];
    for (const read of reads) {
      const { start, end, version, status, process, fetch } = read;
      if (version === undefined) continue;
      // A `set` may have been late: then its value is what every process should read. A change that was not
      // acknowledged, for example by a frozen Redis, may happen at any later time.
      const set =
        fetch === 0
          ? changes.get(key)?.find((change) => change.kind === 'set' && change.version === version)
          : undefined;
      const before = own.filter(
        (change) =>
          change.end! < start &&
          (status !== 'stale' || !keepsStale(change)) &&
          (set === undefined || (set.acknowledged && set.end! < change.start)),
      );
      const missed = before.filter((change) => change.version > version).toSorted((a, b) => a.end! - b.end!)[0];
      findings.judge(
        missed === undefined,
        () =>
          joinedWithoutStore(log, read, fetches.get(fetch ?? 0)) ||
          (near &&
            missed !== undefined &&
            (start - missed.end! < MOMENTS ||
              // A process that cannot reach the store may use its copy, and the change may be more recent than that.
              withoutStore(log, missed.end! - RECOVERY, start, process) ||
              frozenFor(log, process, missed.end!, start + MOMENTS) > 0 ||
              troubled(log, ['frozen'], start - MOMENTS, end, process))),
        () =>
          `${key}: ${process} got version ${version} (${status}) at ${at(start)}, after ${missed?.kind} of version ${missed?.version} by ${missed?.process} at ${at(missed?.end ?? 0)}`,
      );
    }
  }
  return findings.verdict('nothing old comes back');
}

/** A value served as fresh is fresh, and no value is served past its grace. */
export function staleness(log: ChaosLog): Verdict {
  const { ttl, grace } = log.bounds;
  const findings = new Findings();
  const startOf = new Map(log.fetches.map(({ id, startedAt }) => [id, startedAt]));
  const setAt = new Map(
    log.changes
      .filter(({ kind }) => kind === 'set')
      // A change that was not acknowledged may have been made at any time.
      .map(({ key, version, acknowledged, end = Infinity }) => [`${key} ${version}`, acknowledged ? end : Infinity]),
  );
  for (const { key, process, start, status, version, fetch } of log.reads) {
    if (status !== 'hit' && status !== 'stale') continue;
    const since = fetch === 0 ? setAt.get(`${key} ${version}`) : startOf.get(fetch ?? -1);
    const may = status === 'hit' ? ttl : ttl + grace;
    findings.judge(
      since !== undefined && start - since <= may + SLACK,
      () => false,
      () =>
        `${key}: ${process} got a ${status} at ${at(start)} of a value of ${since === undefined ? 'nobody knows when' : at(since)}`,
    );
  }
  return findings.verdict('fresh is fresh, and grace ends');
}

/** A stale value that a reader got is refreshed: within refreshTimeout, or after the request has been made again. */
export function lostRefreshes(log: ChaosLog): Verdict {
  const { refreshTimeout, lease } = log.bounds;
  const findings = new Findings();
  const changes = byKey(log.changes);
  const fetches = byKey(log.fetches);
  // A request is made again after refreshTimeout, and the process that has it may die or freeze.
  const bound = refreshTimeout + 2 * lease + SLACK;
  const dueAfter = calmTime(log);
  for (const [key, reads] of byKey(log.reads)) {
    const own = (fetches.get(key) ?? []).toSorted(byStart);
    for (const read of reads) {
      if (read.status !== 'stale') continue;
      const due = dueAfter(read.end, bound);
      if (due > log.endedAt) continue;
      const from = read.start - refreshTimeout;
      findings.judge(
        own.some(({ id, startedAt }) => id !== read.fetch && startedAt > from && startedAt < due),
        // The key was deleted or set, so there is nothing to refresh any more.
        () => meets(changes.get(key), from, due),
        () => `${key}: stale for ${read.process} at ${at(read.start)}, and nobody fetched it until ${at(due)}`,
      );
    }
  }
  return findings.verdict('no refresh is lost');
}

/** Every read is answered in time, and with an error only while the origin fails. */
export function answers(log: ChaosLog): Verdict {
  const { lease, fetchTimeout } = log.bounds;
  const findings = new Findings();
  for (const { key, process, start, end, error } of log.reads) {
    const waited = end - start - frozenFor(log, process, start, end);
    findings.judge(
      error === undefined,
      () => troubled(log, ['origin down'], start, end),
      () => `${key}: ${process} at ${at(start)} failed: ${error}`,
    );
    findings.judge(
      waited <= lease + STORE_WAITS + 2 * SLACK,
      // A reader that waits for the fetch of a frozen process waits until that lease expires, or for its own deadline.
      () =>
        troubled(log, ['frozen', 'killed', 'no workers'], start, end) &&
        waited <= fetchTimeout + lease + STORE_WAITS + 2 * SLACK,
      () => `${key}: ${process} at ${at(start)} waited for ${Math.round(waited)} ms`,
    );
  }
  return findings.verdict('every read is answered');
}

export function stuckKeys({ endings }: ChaosLog): Verdict {
  const findings = new Findings();
  for (const { key, process, version, current } of endings) {
    findings.judge(
      version === current,
      () => false,
      () => `${key}: ${process} is left with version ${version ?? 'none'} of ${current}`,
    );
  }
  return findings.verdict('no key is stuck');
}

export function orphans({ leftovers: { leases, requests }, endings }: ChaosLog): Verdict {
  const findings = new Findings();
  // Counted as judged, so that the absence of leftovers is a result, too.
  for (const { key } of endings)
    findings.judge(
      true,
      () => false,
      () => key,
    );
  for (const name of leases)
    findings.judge(
      false,
      () => false,
      () => `a lease: ${name}`,
    );
  for (const name of requests)
    findings.judge(
      false,
      () => false,
      () => `of the queue: ${name}`,
    );
  return findings.verdict('nothing is left behind');
}

function byStart(a: LoggedFetch, b: LoggedFetch): number {
  return a.startedAt - b.startedAt;
}

/** The time at which this many milliseconds have passed in which a refresh was possible. */
function calmTime({ faults }: ChaosLog): (from: number, ms: number) => number {
  const stops = faults
    .filter(({ kind }) => kind !== 'killed' && kind !== 'frozen')
    .map(({ start, end }) => ({ start, end: end + RECOVERY }))
    .sort((a, b) => a.start - b.start);
  return (from, ms) => {
    let now = from;
    let left = ms;
    for (const { start, end } of stops) {
      if (end <= now) continue;
      if (start - now >= left) break;
      left -= Math.max(0, start - now);
      now = end;
    }
    return now + left;
  };
}

function meets(changes: readonly LoggedChange[] | undefined, from: number, to: number): boolean {
  return changes?.some(({ start, end = Infinity }) => start < to && end > from) ?? false;
}

/** A set or delete that was requested in that time, whether or not it was acknowledged. */
function takesLease(changes: readonly LoggedChange[] | undefined, from: number, to: number): boolean {
  return meets(
    changes?.filter(({ kind }) => kind !== 'invalidate' && kind !== 'invalidateTag'),
    from,
    to,
  );
}

/**
 * A reader that cannot reach the store waits for what its process has begun to fetch without it, and cannot learn of a
 * change.
 */
function joinedWithoutStore(
  log: ChaosLog,
  { process, start, status }: LoggedRead,
  fetch: LoggedFetch | undefined,
): boolean {
  if (status !== 'miss' || fetch === undefined || fetch.process !== process || fetch.startedAt > start) return false;
  return [fetch.startedAt, start].every((instant) => withoutStore(log, instant, instant, process));
}

/** Whether a reader may get the old value after this change, as a stale one. */
function keepsStale({ kind }: LoggedChange): boolean {
  return kind === 'invalidate' || kind === 'invalidateTag';
}
