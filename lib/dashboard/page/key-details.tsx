import { useEffect, useState } from 'preact/hooks';
import type { ShownKey } from '../key-browser.js';
import { showKey, type Wire, write, type WriteName } from './api.js';
import { seconds } from './format.js';

const DONE: Readonly<Record<WriteName, string>> = {
  refresh: 'Refreshed.',
  invalidate: 'Invalidated.',
  delete: 'Deleted.',
};

export interface KeyDetailsProps {
  readonly job: string;
  readonly name: string;
  readonly mayWrite: boolean;
}

/** Why a key has the value it has, and what can be done about it. */
export function KeyDetails({ job, name, mayWrite }: KeyDetailsProps) {
  const [shown, setShown] = useState<Wire<ShownKey>>();
  const [message, setMessage] = useState({ text: '', isBad: false });
  const [doing, setDoing] = useState<WriteName>();
  const [asks, setAsks] = useState(false);

  const fail = (error: unknown): void => {
    setMessage({ text: error instanceof Error ? error.message : 'It failed.', isBad: true });
  };
  const load = async (): Promise<void> => {
    setShown(await showKey(job, name));
  };
  const act = async (action: WriteName): Promise<void> => {
    setDoing(action);
    setAsks(false);
    setMessage({ text: '', isBad: false });
    try {
      await write(action, job, name);
      setMessage({ text: DONE[action], isBad: false });
      await load();
    } catch (error) {
      fail(error);
    } finally {
      setDoing(undefined);
    }
  };

  useEffect(() => {
    load().catch(fail);
  }, [job, name]);

  return (
    <>
      <h3 class="mono key">{name}</h3>
      <p role="status" class={message.isBad ? 'message bad' : 'message'}>
        {message.text}
      </p>
      {shown === undefined ? null : <Facts shown={shown} mayWrite={mayWrite} />}
      {mayWrite && shown !== undefined ? (
        <div class="actions">
          <button
            type="button"
            disabled={doing !== undefined || !shown.isRefreshable}
            onClick={() => void act('refresh')}
          >
            {doing === 'refresh' ? 'Fetching…' : 'Refresh'}
          </button>
          <button type="button" class="plain" disabled={doing !== undefined} onClick={() => void act('invalidate')}>
            Invalidate
          </button>
          {asks ? (
            <>
              <button type="button" class="danger" disabled={doing !== undefined} onClick={() => void act('delete')}>
                Delete it now
              </button>
              <button type="button" class="plain" onClick={() => setAsks(false)}>
                Keep it
              </button>
            </>
          ) : (
            <button type="button" class="plain danger" disabled={doing !== undefined} onClick={() => setAsks(true)}>
              Delete…
            </button>
          )}
          <button type="button" class="plain" onClick={() => void load().catch(fail)}>
            Look again
          </button>
        </div>
      ) : null}
      {mayWrite && shown?.isRefreshable === false ? (
        <p class="hint">The key does not hold its arguments, so only a reader can refresh it.</p>
      ) : null}
    </>
  );
}

function Facts({
  shown: { explanation, value },
  mayWrite,
}: {
  readonly shown: Wire<ShownKey>;
  readonly mayWrite: boolean;
}) {
  const { status, text, age, freshUntil, staleUntil, tags, lease, failures, lastError, queued, copy, workers } =
    explanation;
  return (
    <>
      <p class="story">
        <span class={`badge ${status}`}>{status}</span> {text}
      </p>
      <dl class="facts">
        <Fact name="Age" value={age === undefined ? undefined : seconds(age)} />
        <Fact name="Fresh until" value={freshUntil} isTime />
        <Fact name="May be served until" value={staleUntil} isTime />
        <Fact name="Tags" value={tags.length === 0 ? undefined : tags.join(', ')} />
        <Fact
          name="Being fetched"
          value={lease === undefined ? undefined : `lease of ${seconds(lease.remaining)} more`}
        />
        <Fact name="Refresh requested" value={queued === undefined ? undefined : queued ? 'yes' : 'no'} />
        <Fact
          name="Failures in a row"
          value={failures === 0 ? undefined : `${String(failures)}: ${String(lastError)}`}
        />
        <Fact name="Workers that know the job" value={workers === undefined ? undefined : String(workers)} />
        <Fact name="Copy in this process" value={copy ? 'yes' : 'no'} />
      </dl>
      {value === undefined ? null : (
        <>
          <h4>Value{value.isCut ? ' (only its beginning)' : ''}</h4>
          <pre class="mono" tabIndex={0} aria-label="Value">
            {value.text}
          </pre>
        </>
      )}
      {mayWrite ? null : <p class="hint">Values and changes need write permission.</p>}
    </>
  );
}

function Fact({
  name,
  value,
  isTime = false,
}: {
  readonly name: string;
  readonly value: string | undefined;
  readonly isTime?: boolean;
}) {
  if (value === undefined) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{isTime ? new Date(value).toLocaleString(undefined, { hour12: false }) : value}</dd>
    </div>
  );
}
