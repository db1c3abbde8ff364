import { setTimeout as sleep } from 'node:timers/promises';
import type { AsyncCacheOptions, JobOptions } from 'nestjs-async-cache';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Refresher } from '../../lib/core/refresh/refresh.js';
import {
  applicationOptions,
  asking,
  eventually,
  Origin,
  readWhile,
  type ReleaseApp,
  requestsIn,
  startRelease,
} from './release-app.js';

const KEYS = ['1', '2', '3', '4', '5', '6'];
const ONCE = KEYS.map(() => 1);
const HOUR: JobOptions = { ttl: '1h' };
const OLD = { A: HOUR, B: HOUR };
const NEW = { A: HOUR, C: HOUR };

let origin: Origin;
let options: AsyncCacheOptions;
beforeEach(() => {
  origin = new Origin();
  options = applicationOptions();
});

const startOld = (own: AsyncCacheOptions = {}): Promise<ReleaseApp> =>
  startRelease('old', { origin, jobs: OLD, options: { ...options, ...own } });
const startNew = (own: AsyncCacheOptions = {}): Promise<ReleaseApp> =>
  startRelease('new', { origin, jobs: NEW, options: { ...options, ...own } });

async function fill(app: ReleaseApp): Promise<void> {
  for (const job of Object.values(app.jobs)) await Promise.all(KEYS.map((key) => job.get(key)));
}

/** Makes each entry of the job stale and requests one refresh for each. */
async function makeStale(app: ReleaseApp, job: string): Promise<void> {
  await Promise.all(KEYS.map((key) => app.job(job).invalidate(key)));
}

/** Counts how often a worker of either release met a job that it does not know. */
function countPutOff(): () => number {
  const run = vi.spyOn(Refresher.prototype, 'run');
  onTestFinished(() => run.mockRestore());
  return () =>
    run.mock.settledResults.filter(({ type, value }) => type === 'fulfilled' && value.kind === 'unknown-job').length;
}

describe('an old release with the jobs A and B, and a new one with A and C', () => {
  it('side by side, both with workers: every stale key gets one refresh, by a worker that knows its job', async () => {
    const putOff = countPutOff();
    const [old, next] = [await startOld(), await startNew()];
    await fill(old);
    await fill(next);
    const before = origin.fetches.length;
    const load = await readWhile([old, next], KEYS, async () => {
      await makeStale(old, 'B');
      await makeStale(next, 'C');
      await makeStale(old, 'A');
      await eventually(() => {
        for (const job of ['A', 'B', 'C']) expect(origin.counts(job, KEYS, before)).toEqual(ONCE);
      }, old);
    });
    await eventually(async () => expect(await requestsIn(old)).toBe(0), old);
    console.log(
      `side by side: ${String(load.reads)} reads, ${String(load.failures.length)} failed, ${String(3 * KEYS.length)} refreshes, put off ${String(putOff())} times`,
    );
    expect(load.failures).toEqual([]);
    expect(origin.counts('B', KEYS, before, 'old')).toEqual(ONCE);
    expect(origin.counts('C', KEYS, before, 'new')).toEqual(ONCE);
    expect(origin.counts('A', KEYS, before)).toEqual(ONCE);
    for (const app of [old, next]) {
      expect(app.of('unknown-job').length).toBeLessThanOrEqual(1);
      expect(app.events.filter(({ type }) => type.endsWith('failed'))).toEqual([]);
    }
  });

  describe('where all workers are of one release', () => {
    /** The requests meet a worker that does not know their job, and then one that does. */
    async function handOver(
      asker: ReleaseApp,
      stranger: ReleaseApp,
      job: string,
      startExpert: () => Promise<ReleaseApp>,
    ): Promise<{ before: number; expert: ReleaseApp; failures: readonly unknown[]; seen: readonly string[] }> {
      await fill(asker);
      const before = origin.fetches.length;
      const statuses: string[] = [];
      let expert: ReleaseApp | undefined;
      // Readers of other processes would make lost requests again, and hide the loss.
      const { failures } = await readWhile([asker], KEYS, async () => {
        await makeStale(asker, job);
        await eventually(() => expect(stranger.of('unknown-job')).toHaveLength(1));
        await eventually(async () => expect(await asker.queue.getActiveCount()).toBe(0));
        for (const key of KEYS) statuses.push((await asker.job(job).read(key)).status);
        await stranger.close();
        expert = await startExpert();
        await eventually(() => expect(origin.counts(job, KEYS, before)).toEqual(ONCE));
      });
      expect(stranger.of('unknown-job')).toMatchObject([{ job }]);
      return { before, expert: expert!, failures, seen: [...new Set(statuses)] };
    }

    it('a job that came waits for the new worker', async () => {
      const putOff = countPutOff();
      const [old, web] = [await startOld(), await startNew(asking)];
      const { before, expert, failures, seen } = await handOver(web, old, 'C', startNew);
      console.log(`a job that came: put off ${String(putOff())} times, ${String(failures.length)} reads failed`);
      expect(putOff()).toBeGreaterThanOrEqual(KEYS.length);
      expect(seen).toEqual(['stale']);
      expect(failures).toEqual([]);
      expect(origin.counts('C', KEYS, before, 'new')).toEqual(ONCE);
      await eventually(async () => expect(await requestsIn(expert)).toBe(0));
    });

    it('a job that went waits for the rollback', async () => {
      const putOff = countPutOff();
      const [web, next] = [await startOld(asking), await startNew()];
      const { before, expert, failures, seen } = await handOver(web, next, 'B', startOld);
      console.log(
        `a job that went, and came back: put off ${String(putOff())} times, ${String(failures.length)} reads failed`,
      );
      expect(seen).toEqual(['stale']);
      expect(failures).toEqual([]);
      expect(origin.counts('B', KEYS, before, 'old')).toEqual(ONCE);
      await eventually(async () => expect(await requestsIn(expert)).toBe(0));
    });

    it('it is reported once in each process, however many requests there are', async () => {
      const putOff = countPutOff();
      const workers = [await startOld(), await startOld()];
      const web = await startNew(asking);
      await fill(web);
      for (let round = 1; round <= 3; round++) {
        await makeStale(web, 'C');
        await eventually(() => expect(putOff()).toBeGreaterThanOrEqual(KEYS.length * round), web);
      }
      await eventually(() => {
        for (const worker of workers) expect(worker.of('unknown-job')).toHaveLength(1);
      }, web);
      // Each key is requested once, however long the request waits.
      expect(await requestsIn(web)).toBe(KEYS.length);
    });

    it('what is not put off is lost: the control', async () => {
      const run = vi.spyOn(Refresher.prototype, 'run').mockResolvedValue({ kind: 'skipped' });
      const [old, web] = [await startOld(), await startNew(asking)];
      await fill(web);
      const before = origin.fetches.length;
      await makeStale(web, 'C');
      await eventually(() => expect(run.mock.calls.length).toBe(KEYS.length));
      await old.close();
      run.mockRestore();
      await startNew();
      const { failures } = await readWhile([web], KEYS, async () => {
        await eventually(async () => expect(await requestsIn(web)).toBe(0));
        await sleep(1_500);
      });
      expect(failures).toEqual([]);
      expect(origin.counts('C', KEYS, before)).toEqual(KEYS.map(() => 0));
    });
  });
});
