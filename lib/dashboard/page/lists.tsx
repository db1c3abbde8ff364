import type { ShownJob } from '../key-browser.js';
import { bytes, number, seconds, time, workers } from './format.js';
import type { Live } from './live.js';

/** Each job with its options in words. */
export function Jobs({ jobs }: { readonly jobs: readonly ShownJob[] }) {
  return (
    <>
      <div class="bar">
        <h2>Jobs</h2>
      </div>
      {jobs.length === 0 ? (
        <p class="card hint">No job is known: the cache is switched off, or nothing is cached.</p>
      ) : null}
      <ul class="jobs">
        {jobs.map(({ name, words }) => (
          <li key={name} class="card">
            <h3 class="mono">{name}</h3>
            <ul class="words">
              {words.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
            <a href={`#keys/${encodeURIComponent(name)}`}>Browse its keys</a>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The processes that report themselves. */
export function Processes({ live: { latest } }: { readonly live: Live }) {
  const processes = latest?.processes ?? [];
  return (
    <>
      <div class="bar">
        <h2>Processes</h2>
        <p class="hint">
          {latest?.queue
            ? `${workers(latest.queue.workers)} on the refresh queue`
            : 'The refresh queue does not answer'}
        </p>
      </div>
      <section class="card">
        <div class="scroll" tabIndex={0} role="region" aria-label="Processes">
          <table>
            <thead>
              <tr>
                <th scope="col">Process</th>
                <th scope="col">Role</th>
                <th scope="col" class="right">
                  Reads/s
                </th>
                <th scope="col" class="right">
                  Fetches/s
                </th>
                <th scope="col" class="right">
                  Memory
                </th>
                <th scope="col" class="right">
                  Up for
                </th>
              </tr>
            </thead>
            <tbody>
              {processes.map((process) => (
                <tr key={process.id}>
                  <th scope="row" class="mono">
                    {process.host}:{process.pid}
                    {process.here ? <span class="badge">this page</span> : null}
                  </th>
                  <td>{process.works ? 'refreshes' : 'requests only'}</td>
                  <td class="right">{number(process.reads)}</td>
                  <td class="right">{number(process.fetches)}</td>
                  <td class="right">{bytes(process.memory)}</td>
                  <td class="right">{seconds(Math.max(0, Date.now() - process.startedAt) / 1_000)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </>
  );
}

const BAD = /failed|refused|unknown|lost|fenced|neighbour/;

/** The latest events of all processes, but the reads. */
export function Events({ live: { events } }: { readonly live: Live }) {
  return (
    <>
      <div class="bar">
        <h2>Events</h2>
        <p class="hint">of all processes, the newest first; reads are in the charts</p>
      </div>
      {events.length === 0 ? <p class="card hint">Nothing has happened since this page was opened.</p> : null}
      <ol class="events card" tabIndex={0} aria-label="Events">
        {events.map((event) => (
          <li key={`${event.process} ${String(event.at)} ${event.type} ${event.key}`}>
            <time>{time(event.at)}</time>
            <span class={BAD.test(event.type) ? 'badge bad' : 'badge'}>{event.type}</span>
            <span class="what">
              <KeyLink job={event.job} name={event.key} />
              {event.text === '' ? null : <span class="text">{event.text}</span>}
            </span>
            <span class="hint mono">{event.process}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function KeyLink({ job, name }: { readonly job: string; readonly name: string }) {
  if (job === '' || name === '') return <span class="hint">{job}</span>;
  return (
    <a class="mono" href={`#keys/${encodeURIComponent(job)}/${encodeURIComponent(name)}`}>
      {name}
    </a>
  );
}
