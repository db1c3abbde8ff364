import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, it, onTestFinished } from 'vitest';
import { type FinishedSpan, startTracedProcess, type TracedProcess } from './traced-process.js';

const CACHE_SPANS = ['async_cache.fetch', 'async_cache.refresh'];

interface Traced {
  readonly web: TracedProcess;
  readonly worker: TracedProcess;
  /** The span of the read that found a stale value. */
  readonly asked: { readonly traceId: string; readonly spanId: string };
  readonly refresh: FinishedSpan;
  readonly fetch: FinishedSpan;
}

/** A miss, a stale read inside of a span, and its refresh in another process. */
async function traceOneRefresh(sabotage: boolean): Promise<Traced> {
  const url = inject('redisUrl');
  const prefix = `otel-${Math.random().toString(36).slice(2)}`;
  const [web, worker] = await Promise.all([
    startTracedProcess({ url, prefix, worker: false, sabotage }),
    startTracedProcess({ url, prefix, worker: true }),
  ]);
  onTestFinished(async () => void (await Promise.all([web.close(), worker.close()])));
  expect(await web.read('ACME')).toMatchObject({ status: 'miss' });
  await sleep(250);
  const asked = await web.read('ACME');
  expect(asked).toMatchObject({ status: 'stale' });
  const named = async (name: string): Promise<FinishedSpan | undefined> =>
    (await worker.spans()).find((span) => span.name === name);
  await expect.poll(() => named('async_cache.refresh')).toBeDefined();
  const [refresh, fetched] = [await named('async_cache.refresh'), await named('async_cache.fetch')];
  return { web, worker, asked, refresh: refresh!, fetch: fetched! };
}

function expectLink({ refresh, asked }: Traced): void {
  expect(refresh.links).toMatchObject([{ traceId: asked.traceId, spanId: asked.spanId }]);
}

it('the span of a refresh in a worker is linked to the span of the read that asked in a web process', async () => {
  const traced = await traceOneRefresh(false);
  const { web, worker, refresh, fetch: fetched } = traced;
  expectLink(traced);
  expect(refresh.attributes).toMatchObject({ 'async_cache.job': 'Quotes', 'async_cache.outcome': 'stored' });
  expect(refresh.traceId).not.toBe(traced.asked.traceId);
  expect(fetched).toMatchObject({ parent: refresh.spanId, attributes: { 'async_cache.background': true } });

  // BullMQ's own spans surround the cache's.
  const byBullMQ = (await worker.spans()).filter(({ name }) => !CACHE_SPANS.includes(name));
  expect(byBullMQ.map(({ spanId }) => spanId)).toContain(refresh.parent);

  const failed = await web.read('GONE');
  const ofFailed = (await web.spans()).find(({ parent }) => parent === failed.spanId);
  expect(ofFailed).toMatchObject({
    name: 'async_cache.fetch',
    status: 2,
    attributes: { 'async_cache.outcome': 'failed' },
  });

  const [ofWeb, ofWorker] = [await web.scrape(), await worker.scrape()];
  const valueOf = (text: string, name: string, ...labels: string[]): number | undefined => {
    const line = text.split('\n').find((each) => each.startsWith(`${name}{`) && labels.every((l) => each.includes(l)));
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf('}') + 2).split(' ')[0]);
  };
  const job = 'async_cache_job="Quotes"';
  expect(valueOf(ofWeb, 'async_cache_reads_total', job, 'async_cache_status="miss"')).toBe(2);
  expect(valueOf(ofWeb, 'async_cache_reads_total', job, 'async_cache_status="stale"')).toBe(1);
  expect(valueOf(ofWeb, 'async_cache_read_age_count', job, 'async_cache_status="stale"')).toBe(1);
  const inCaller = 'async_cache_background="false"';
  expect(valueOf(ofWeb, 'async_cache_fetches_total', job, inCaller, 'async_cache_outcome="stored"')).toBe(1);
  expect(valueOf(ofWeb, 'async_cache_fetches_total', job, inCaller, 'async_cache_outcome="failed"')).toBe(1);
  const inWorker = 'async_cache_background="true"';
  expect(valueOf(ofWorker, 'async_cache_fetches_total', job, inWorker, 'async_cache_outcome="stored"')).toBe(1);
  expect(valueOf(ofWorker, 'async_cache_fetch_duration_count', job, inWorker)).toBe(1);
  expect(valueOf(ofWorker, 'async_cache_refresh_wait_count', job)).toBe(1);
  expect(`${ofWeb}${ofWorker}`).toMatch(/^async_cache_queue_backlog(\{[^}]*\})? 0/m);
  for (const text of [ofWeb, ofWorker]) expect(text).not.toMatch(/ACME|GONE/);

  // The dashboard of the sample asks for nothing that is not measured.
  const dashboard = readFileSync(new URL('../../sample/grafana/async-cache.json', import.meta.url), 'utf8');
  const asked = new Set(dashboard.match(/async_cache_[a-z_]+?(?=_bucket\b|[^a-z_])/g)?.filter(isMetric));
  expect(asked.size).toBeGreaterThan(5);
  const types = `${ofWeb}\n${ofWorker}`.match(/^# TYPE \S+/gm)?.map((line) => line.slice('# TYPE '.length)) ?? [];
  // A failure of the store is measured when there is one.
  for (const metric of asked) expect([...types, 'async_cache_store_failures_total']).toContain(metric);
});

it('control: without the trace in the request the link is missing', async () => {
  const traced = await traceOneRefresh(true);
  expect(() => {
    expectLink(traced);
  }).toThrow();
});

const LABELS = [
  'async_cache_job',
  'async_cache_status',
  'async_cache_outcome',
  'async_cache_background',
  'async_cache_operation',
];

function isMetric(name: string): boolean {
  return !LABELS.includes(name);
}
