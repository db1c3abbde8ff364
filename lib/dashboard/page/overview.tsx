import { useMemo, useState } from 'preact/hooks';
import { Chart } from './chart.js';
import { number, percent, seconds, workers } from './format.js';
import type { Live } from './live.js';
import { rate, reads, served } from './rates.js';

const RECENT = 30;

/** What the whole application does now, in numbers and in charts. */
export function Overview({ live, jobs }: { readonly live: Live; readonly jobs: readonly string[] }) {
  const [job, setJob] = useState('');
  const { ticks, latest } = live;
  const times = useMemo(() => ticks.map(({ at }) => at), [ticks]);
  const lines = useMemo(() => linesOf(ticks, job), [ticks, job]);
  return (
    <>
      <div class="bar">
        <h2>Overview</h2>
        <label class="field">
          Job
          <select value={job} onChange={({ currentTarget }) => setJob(currentTarget.value)}>
            <option value="">All jobs</option>
            {jobs.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {ticks.length === 0 ? <p class="card hint">Waiting for the first second…</p> : <Tiles live={live} job={job} />}
      <div class="charts">
        <Chart title="Reads" hint="a second" times={times} lines={lines.reads} format={number} />
        <Chart title="Fetch time" hint="of all jobs" times={times} lines={lines.durations} format={seconds} />
        <Chart title="Fetches and failures" hint="a second" times={times} lines={lines.fetches} format={number} />
        <Chart
          title="Requests that wait"
          hint="in the refresh queue"
          times={times}
          lines={lines.backlog}
          format={number}
        />
        <Chart title="Queue wait" hint="from request to fetch" times={times} lines={lines.wait} format={seconds} />
        {latest === undefined ? null : <Busiest live={live} />}
      </div>
    </>
  );
}

function linesOf(ticks: Live['ticks'], job: string) {
  const each = <Value,>(of: (tick: Live['ticks'][number]) => Value): Value[] => ticks.map(of);
  return {
    reads: [
      { label: 'Hits', colour: 'hit', values: each((tick) => rate(tick, job, 'hits')), isFilled: true },
      { label: 'Stale', colour: 'stale', values: each((tick) => rate(tick, job, 'stale')) },
      { label: 'Misses', colour: 'miss', values: each((tick) => rate(tick, job, 'misses')) },
    ],
    durations: [
      { label: 'Median', colour: 'hit', values: each(({ median }) => median) },
      { label: '99 %', colour: 'violet', values: each(({ p99 }) => p99) },
    ],
    fetches: [
      { label: 'Fetches', colour: 'fresh', values: each((tick) => rate(tick, job, 'fetches')), isFilled: true },
      { label: 'Failures', colour: 'miss', values: each((tick) => rate(tick, job, 'failures')) },
      { label: 'Refused as outdated', colour: 'stale', values: each((tick) => rate(tick, job, 'fenced')) },
    ],
    backlog: [
      { label: 'Waiting', colour: 'violet', values: each(({ queue }) => queue?.waiting ?? null), isFilled: true },
    ],
    wait: [
      { label: 'Mean, of those that began', colour: 'violet', values: each(({ wait }) => wait), isFilled: true },
      {
        label: 'Oldest that waits',
        colour: 'stale',
        values: each(({ queue }) => (queue === null || queue === undefined ? null : queue.oldest / 1_000)),
      },
    ],
  };
}

function Tiles({ live: { ticks, latest }, job }: { readonly live: Live; readonly job: string }) {
  const recent = ticks.slice(-RECENT);
  const last = recent.at(-1) ?? { jobs: {}, queue: null };
  const share = served(recent, job);
  const slowest = recent.reduce<number | null>(
    (most, { p99 }) => (p99 === null ? most : Math.max(most ?? 0, p99)),
    null,
  );
  const failures = recent.reduce((sum, tick) => sum + rate(tick, job, 'failures'), 0);
  const backlog = last.queue === null || last.queue === undefined ? 'unknown' : number(last.queue.waiting);
  return (
    <dl class="tiles">
      <Tile
        name="Served from the cache"
        value={share === undefined ? '–' : percent(share)}
        note={`last ${String(RECENT)} s`}
      />
      <Tile name="Reads a second" value={number(reads(last, job))} note={job === '' ? 'all jobs' : job} />
      <Tile name="Slowest fetches" value={seconds(slowest)} note={`99 %, last ${String(RECENT)} s`} />
      <Tile
        name="Failures"
        value={number(Math.round(failures))}
        note={`last ${String(RECENT)} s`}
        isBad={failures > 0}
      />
      <Tile name="Waiting requests" value={backlog} note={workers(last.queue?.workers)} />
      <Tile name="Processes" value={number(latest?.processes.length ?? 0)} note="that report" />
    </dl>
  );
}

function Tile(tile: {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly isBad?: boolean;
}) {
  return (
    <div class={tile.isBad === true ? 'card tile bad' : 'card tile'}>
      <dt>{tile.name}</dt>
      <dd>
        <strong>{tile.value}</strong>
        <span class="hint">{tile.note}</span>
      </dd>
    </div>
  );
}

function Busiest({ live: { ticks } }: { readonly live: Live }) {
  const recent = ticks.slice(-RECENT);
  const last = recent.at(-1) ?? { jobs: {} };
  const busy = Object.keys(last.jobs)
    .map((name) => ({
      name,
      reads: reads(last, name),
      share: served(recent, name),
      fetches: rate(last, name, 'fetches'),
    }))
    .sort((one, other) => other.reads - one.reads)
    .slice(0, 10);
  if (busy.length === 0) return null;
  return (
    <section class="card">
      <h3>Busiest jobs</h3>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Job</th>
              <th scope="col" class="right">
                Reads/s
              </th>
              <th scope="col" class="right">
                From the cache
              </th>
              <th scope="col" class="right">
                Fetches/s
              </th>
            </tr>
          </thead>
          <tbody>
            {busy.map((job) => (
              <tr key={job.name}>
                <th scope="row">
                  <a href={`#keys/${encodeURIComponent(job.name)}`}>{job.name}</a>
                </th>
                <td class="right">{number(job.reads)}</td>
                <td class="right">{job.share === undefined ? '–' : percent(job.share)}</td>
                <td class="right">{number(job.fetches)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
