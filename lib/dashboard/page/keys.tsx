import { useEffect, useRef, useState } from 'preact/hooks';
import type { ShownJob } from '../key-browser.js';
import { findKeys, type Session } from './api.js';
import { KeyDetails } from './key-details.js';

/** A search goes on by itself until it has found so many, or is at the end. */
const ENOUGH = 50;

interface Search {
  readonly keys: readonly string[];
  readonly cursor: string;
  readonly looked: number;
  readonly state: 'searching' | 'paused' | 'done' | 'failed';
  readonly error: string;
}

const NOTHING: Search = { keys: [], cursor: '', looked: 0, state: 'paused', error: '' };

export interface KeysProps {
  readonly jobs: readonly ShownJob[];
  /** From the address of the page. */
  readonly job: string;
  readonly selected: string;
  readonly session: Session | undefined;
}

/** Finds the keys of a job, and shows one of them. */
export function Keys({ jobs, job: given, selected, session }: KeysProps) {
  const job = given === '' ? (jobs[0]?.name ?? '') : given;
  const [prefix, setPrefix] = useState('');
  const [search, setSearch] = useState(NOTHING);
  const running = useRef(new AbortController());

  const run = async (from: Search): Promise<void> => {
    running.current.abort();
    const { signal } = (running.current = new AbortController());
    const wanted = from.keys.length + ENOUGH;
    let found = { ...from, state: 'searching' as Search['state'] };
    setSearch(found);
    try {
      do {
        const page = await findKeys(job, prefix, found.cursor, signal);
        const keys = [...new Set([...found.keys, ...page.keys])];
        const state = page.cursor === '' ? 'done' : keys.length >= wanted ? 'paused' : 'searching';
        found = { ...found, keys, cursor: page.cursor, looked: found.looked + page.looked, state };
        setSearch(found);
      } while (found.state === 'searching');
    } catch (error) {
      if (!signal.aborted) setSearch({ ...found, state: 'failed', error: error instanceof Error ? error.message : '' });
    }
  };

  useEffect(() => {
    if (job !== '') void run(NOTHING);
    return () => {
      running.current.abort();
    };
  }, [job]);

  return (
    <>
      <div class="bar">
        <h2>Keys</h2>
        <form
          class="search"
          onSubmit={(event) => {
            event.preventDefault();
            void run(NOTHING);
          }}
        >
          <label class="field">
            Job
            <select
              value={job}
              onChange={({ currentTarget }) => {
                location.hash = `keys/${encodeURIComponent(currentTarget.value)}`;
              }}
            >
              {jobs.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label class="field grow">
            Arguments begin with
            <input
              value={prefix}
              placeholder='bob, 12 or {"id"'
              spellcheck={false}
              autocomplete="off"
              onInput={({ currentTarget }) => setPrefix(currentTarget.value)}
            />
          </label>
          <button type="submit">Search</button>
        </form>
      </div>
      <div class="browser">
        <section class="card found" aria-label="Found keys">
          <p class="hint" role="status">
            {stateOf(search)}
          </p>
          <ul>
            {search.keys.map((key) => (
              <li key={key}>
                <a
                  class="mono"
                  aria-current={key === selected ? 'true' : undefined}
                  href={`#keys/${encodeURIComponent(job)}/${encodeURIComponent(key)}`}
                >
                  {key}
                </a>
              </li>
            ))}
          </ul>
          {search.state === 'paused' && search.cursor !== '' ? (
            <button type="button" class="plain" onClick={() => void run(search)}>
              Search on
            </button>
          ) : null}
          {search.state === 'searching' ? (
            <button
              type="button"
              class="plain"
              onClick={() => {
                running.current.abort();
                setSearch({ ...search, state: 'paused' });
              }}
            >
              Stop
            </button>
          ) : null}
        </section>
        <section class="card details" aria-label="Key">
          {selected === '' ? (
            <p class="hint">Choose a key to see why it has the value it has.</p>
          ) : (
            <KeyDetails key={`${job} ${selected}`} job={job} name={selected} mayWrite={session?.access === 'write'} />
          )}
        </section>
      </div>
    </>
  );
}

function stateOf({ keys, looked, state, error }: Search): string {
  if (state === 'failed') return error;
  const found = `${keys.length.toLocaleString()} ${keys.length === 1 ? 'key' : 'keys'}`;
  const extent = state === 'searching' ? 'searching…' : state === 'done' ? 'all that there are' : 'there may be more';
  return `${found} (${looked.toLocaleString()} looked at), ${extent}`;
}
