import { vi } from 'vitest';
import type * as payloads from '../../lib/bullmq/refresh-payload.js';
import type * as storedFormat from '../../lib/redis/stored-format.js';

/** What a newer release of this package does differently. */
export interface Novelties {
  /** It writes entries of version 2, and reads both, or only its own. */
  readonly entries?: 'reads both' | 'reads its own';
  /** It writes requests of {@link NEWER_REQUEST_VERSION}, and runs those of this release, too. */
  readonly requests?: boolean;
}

/** One more than any version that this release writes. */
export const NEWER_REQUEST_VERSION = 3;

const SCRIPT_LIBRARY = '../../lib/redis/script-library.js';
const STORED_FORMAT = '../../lib/redis/stored-format.js';
const REFRESH_PAYLOAD = '../../lib/bullmq/refresh-payload.js';

type StoredFormat = typeof storedFormat;
type Payloads = typeof payloads;

/**
 * Starts an application on a newer release of this package: the same code that writes another version. The adapters are
 * imported when an application starts, so the release is put in place around each start.
 */
export async function withNewerPackage<Result>(
  { entries, requests }: Novelties,
  start: () => Promise<Result>,
): Promise<Result> {
  vi.resetModules();
  if (entries !== undefined) {
    const read = entries === 'reads both' ? '[12]' : '2';
    vi.doMock(SCRIPT_LIBRARY, async (original) => {
      const { SCRIPT_LIBRARY: lua } = await original<{ SCRIPT_LIBRARY: string }>();
      return { SCRIPT_LIBRARY: replaced(replaced(lua, "'^1 (", `'^${read} (`), "{ '1', kind", "{ '2', kind") };
    });
    vi.doMock(STORED_FORMAT, async (original) => {
      const actual = await original<StoredFormat>();
      const decodeEntry: StoredFormat['decodeEntry'] = ([header, ...rest], codec, key) =>
        actual.decodeEntry([asVersion1(header, entries), ...rest], codec, key);
      return { ...actual, decodeEntry };
    });
  }
  if (requests === true) {
    vi.doMock(REFRESH_PAYLOAD, async (original) => {
      const actual = await original<Payloads>();
      const decodePayload: Payloads['decodePayload'] = (data, codec) =>
        actual.decodePayload(isPayload(data) ? { ...data, v: 1 } : data, codec);
      return {
        ...actual,
        decodePayload,
        encodePayload: (...args: Parameters<Payloads['encodePayload']>) => newer(actual.encodePayload(...args)),
        tickPayload: (tick: string) => newer(actual.tickPayload(tick)),
      };
    });
  }
  try {
    return await start();
  } finally {
    for (const path of [SCRIPT_LIBRARY, STORED_FORMAT, REFRESH_PAYLOAD]) vi.doUnmock(path);
    vi.resetModules();
  }
}

function newer<Payload extends object>(payload: Payload): Payload & { v: number } {
  return { ...payload, v: NEWER_REQUEST_VERSION };
}

function asVersion1(header: Buffer | null | undefined, entries: Novelties['entries']): Buffer | null | undefined {
  const text = header?.toString() ?? '';
  if (text.startsWith('2 ')) return Buffer.from(`1${text.slice(1)}`);
  return entries === 'reads its own' && text.startsWith('1 ') ? Buffer.from(`0${text.slice(1)}`) : header;
}

function isPayload(data: unknown): data is payloads.RefreshPayload {
  return typeof data === 'object' && data !== null && 'v' in data;
}

/** Throws when nothing is replaced: a "newer" release equal to this one would prove nothing. */
function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`There is no ${from} in the library of the scripts any more`);
  return text.replace(from, to);
}
