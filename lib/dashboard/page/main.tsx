import 'uplot/dist/uPlot.min.css';
import './page.css';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ShownJob } from '../key-browser.js';
import { currentSession, fetchJobs, type Session } from './api.js';
import { Keys } from './keys.js';
import { Events, Jobs, Processes } from './lists.js';
import { type Live, useLive } from './live.js';
import { Overview } from './overview.js';

const PLACES = ['overview', 'jobs', 'keys', 'processes', 'events'] as const;
const STATES: Readonly<Record<Live['state'], string>> = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Connection lost',
};

function Page() {
  const live = useLive();
  const [place = '', job = '', key = ''] = useHash();
  const [jobs, setJobs] = useState<readonly ShownJob[]>([]);
  const [session, setSession] = useState<Session>();
  const [trouble, setTrouble] = useState('');

  useEffect(() => {
    Promise.all([fetchJobs().then(setJobs), currentSession().then(setSession)]).catch((error: unknown) => {
      setTrouble(error instanceof Error ? error.message : 'The page could not be filled.');
    });
  }, []);

  const problem = trouble === '' ? live.latest?.problem : trouble;
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        Skip to the content
      </a>
      <header>
        <h1>
          <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M22.5 10.5A8.5 8.5 0 1 0 24.5 16M24.5 6v6h-6" />
          </svg>
          Async cache
        </h1>
        <nav aria-label="Views">
          {PLACES.map((name) => (
            <a key={name} href={`#${name}`} aria-current={isPlace(place, name) ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <p class={`state ${live.state}`} role="status">
          <span class="dot" aria-hidden="true" />
          {STATES[live.state]}
          {session === undefined ? null : (
            <span class="badge">{session.access === 'write' ? 'may write' : 'may look'}</span>
          )}
        </p>
      </header>
      <main id="content" tabIndex={-1}>
        {problem === undefined ? null : (
          <p class="card problem" role="alert">
            {problem}
          </p>
        )}
        <View place={place} job={job} selected={key} live={live} jobs={jobs} session={session} />
      </main>
    </>
  );
}

interface ViewProps {
  readonly place: string;
  readonly job: string;
  readonly selected: string;
  readonly live: Live;
  readonly jobs: readonly ShownJob[];
  readonly session: Session | undefined;
}

function View({ place, job, selected, live, jobs, session }: ViewProps) {
  switch (place) {
    case 'jobs':
      return <Jobs jobs={jobs} />;
    case 'keys':
      return <Keys jobs={jobs} job={job} selected={selected} session={session} />;
    case 'processes':
      return <Processes live={live} />;
    case 'events':
      return <Events live={live} />;
    default:
      return <Overview live={live} jobs={jobs.map(({ name }) => name)} />;
  }
}

/** The parts of the address after `#`. */
function useHash(): string[] {
  const parts = (): string[] => location.hash.slice(1).split('/').map(decoded);
  const [hash, setHash] = useState(parts);
  useEffect(() => {
    const changed = (): void => setHash(parts());
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);
  return hash;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

function isPlace(place: string, name: string): boolean {
  const known: readonly string[] = PLACES;
  return known.includes(place) ? place === name : name === 'overview';
}

/** Not by the address, which says what is shown. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

const root = document.getElementById('dashboard');
if (root !== null) render(<Page />, root);
