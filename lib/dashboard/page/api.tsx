import type { KeyPage } from '../../core/ports.js';
import type { DashboardAccess } from '../dashboard-options.js';
import type { ShownJob, ShownKey } from '../key-browser.js';

/** Relative to the address of the page, so that a proxy may publish it anywhere. */
const base = document.getElementById('dashboard')?.dataset['base'] ?? '';

export interface Session {
  readonly access: Exclude<DashboardAccess, 'none'>;
  readonly token: string | null;
}

/** Dates arrive as text. */
export type Wire<Data> = Data extends Date
  ? string
  : Data extends object
    ? { [Key in keyof Data]: Wire<Data[Key]> }
    : Data;

export const streamAddress = `${base}stream`;

let session: Promise<Session> | undefined;

export function currentSession(): Promise<Session> {
  session ??= call<Session>('session').catch((error: unknown) => {
    session = undefined;
    throw error;
  });
  return session;
}

export function fetchJobs(): Promise<ShownJob[]> {
  return call('jobs');
}

export function findKeys(job: string, prefix: string, cursor: string, signal: AbortSignal): Promise<KeyPage> {
  return call(`keys?${new URLSearchParams({ job, prefix, cursor }).toString()}`, { signal });
}

export function showKey(job: string, key: string): Promise<Wire<ShownKey>> {
  return call(`key?${new URLSearchParams({ job, key }).toString()}`);
}

export type WriteName = 'refresh' | 'invalidate' | 'delete';

/** A token may have become too old while the page was open, so a second attempt is made with a new one. */
export async function write(name: WriteName, job: string, key: string): Promise<void> {
  try {
    await post(name, job, key);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'token') throw error;
    session = undefined;
    await post(name, job, key);
  }
}

async function post(name: WriteName, job: string, key: string): Promise<void> {
  const { token } = await currentSession();
  await call(name, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-async-cache-token': token ?? '' },
    body: JSON.stringify({ job, key }),
  });
}

class Refused extends Error {
  constructor(
    message: string,
    readonly code: unknown,
  ) {
    super(message);
  }
}

async function call<Answer>(place: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(base + place, { cache: 'no-store', ...init });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as Answer;
  const { error, code } = (answer ?? {}) as { error?: unknown; code?: unknown };
  if (typeof error === 'string') throw new Refused(error, code);
  throw new Refused(`The server answered ${String(response.status)}. Load the page again.`, code);
}
