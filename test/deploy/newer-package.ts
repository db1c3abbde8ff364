import { vi } from 'vitest';
import type * as payloads from '../../lib/bullmq/refresh-payload.js';
import type * as storedFormat from '../../lib/redis/stored-format.js';

/** What a newer release of this package does otherwise. */
export interface Novelties {
  /** It writes entries of version 2, and reads both, or only its own. */
  readonly entries?: 'reads both' | 'reads its own';
  /** It writes requests of version 2, and runs both. */
  readonly requests?: boolean;
}

const PRELUDE = '../../lib/redis/prelude.js';
const STORED_FORMAT = '../../lib/redis/stored-format.js';
const REFRESH_PAYLOAD = '../../lib/bullmq/refresh-payload.js';

type StoredFormat = typeof storedFormat;
type Payloads = typeof payloads;

/**
 * Starts an application on a newer release of this package: the same code with another version in what it writes. The
 * adapters are imported while an application starts, so every start needs its own release in place.
 */
export async function withNewerPackage<Result>({ entries, requests }: Novelties, start: () => Promise<Result>): Promise<Result> {
  vi.resetModules();
  if (entries !== undefined) {
    const read = entries === 'reads both' ? '[12]' : '2';
    vi.doMock(PRELUDE, async (original) => {
      const { PRELUDE: lua } = await original<{ PRELUDE: string }>();
      return { PRELUDE: replaced(replaced(lua, "'^1 (", `'^${read} (`), "{ '1', kind", "{ '2', kind") };
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
        encodePayload: (...args: Parameters<Payloads['encodePayload']>) => ({ ...actual.encodePayload(...args), v: 2 }),
        tickPayload: (tick: string) => ({ ...actual.tickPayload(tick), v: 2 }),
      };
    });
  }
  try {
    return await start();
  } finally {
    for (const path of [PRELUDE, STORED_FORMAT, REFRESH_PAYLOAD]) vi.doUnmock(path);
    vi.resetModules();
  }
}

function asVersion1(header: Buffer | null | undefined, entries: Novelties['entries']): Buffer | null | undefined {
  const text = header?.toString() ?? '';
  if (text.startsWith('2 ')) return Buffer.from(`1${text.slice(1)}`);
  return entries === 'reads its own' && text.startsWith('1 ') ? Buffer.from(`0${text.slice(1)}`) : header;
}

function isPayload(data: unknown): data is payloads.RefreshPayload {
  return typeof data === 'object' && data !== null && 'v' in data;
}

/** A newer release that is the same as this one would prove nothing. */
function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`There is no ${from} in the prelude any more`);
  return text.replace(from, to);
}
