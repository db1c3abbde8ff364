import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { estimatedBytes } from '../../lib/memory/estimated-bytes.js';
import { MemoryStore } from '../../lib/memory/memory-store.js';
import { toPortable } from '../../lib/core/value/portable.js';
import { NO_TYPES } from '../../lib/core/value/value-types.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function usedBytes(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

let serial = 0;
/** A text that shares nothing with another one. */
function text(length: number): string {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = 97 + ((serial++ * 7 + at) % 26);
  return bytes.toString('latin1');
}
const date = (): Date => new Date(1_700_000_000_000 + serial++ * 1_000);

const KINDS: Readonly<Record<string, { readonly count: number; readonly make: () => unknown }>> = {
  'small objects': { count: 20_000, make: () => ({ id: serial++, name: text(60), isStaff: false }) },
  'rows with Dates': {
    count: 5_000,
    make: () => ({
      id: serial++,
      username: text(12),
      email: text(24),
      createdAt: date(),
      updatedAt: date(),
      balance: text(8),
      address: { street: text(18), city: text(10) },
    }),
  },
  'rows of twenty columns': {
    count: 5_000,
    make: () => Object.fromEntries(Array.from({ length: 20 }, (_, column) => [`column${column}`, serial++])),
  },
  'objects that are maps by an id': {
    count: 200,
    make: () => JSON.parse(`{${Array.from({ length: 300 }, () => `"id ${serial}":${serial++}`).join()}}`) as unknown,
  },
  'lists of a hundred rows': {
    count: 200,
    make: () => Array.from({ length: 100 }, () => ({ id: serial++, title: text(30), at: date(), tags: [text(5)] })),
  },
  texts: { count: 1_000, make: () => text(10_240) },
  bytes: { count: 500, make: () => Buffer.alloc(51_200, 1) },
  'Maps of rows': {
    count: 500,
    make: () => new Map(Array.from({ length: 50 }, () => [text(8), { id: serial++, name: text(10) }])),
  },
  numbers: { count: 500, make: () => Array.from({ length: 500 }, () => Math.random()) },
};

interface Filled {
  /** Bytes by which the heap grew, and what the store estimates. */
  readonly growth: number;
  readonly estimate: number;
}

function filled(count: number, make: () => unknown): Filled {
  const store = new MemoryStore({ clock: new SystemClock(), max: count, maxBytes: Number.MAX_SAFE_INTEGER });
  const fill = (at: number): void => {
    const { value } = toPortable('Job', make(), NO_TYPES);
    const fresh = { kind: 'value', value, copyOnRead: false, ttl: 3_600_000, grace: 0, tags: [] } as const;
    store.set(`Job.method:${String(at).padStart(12, '0')}`, fresh);
  };
  // What is made once: shared terms, and the shapes of objects.
  for (let at = 0; at < 100; at++) fill(at);
  store.clear();
  const before = usedBytes();
  for (let at = 0; at < count; at++) fill(at);
  return { growth: usedBytes() - before, estimate: store.estimatedBytes };
}

describe('the estimated size of what a memory store holds', () => {
  it.each(Object.entries(KINDS))('is within 30 percent of what the heap grows by, for %s', (kind, { count, make }) => {
    // What else is freed meanwhile must not decide: the middle of three fillings does.
    const [, { growth, estimate }] = [1, 2, 3].map(() => filled(count, make)).sort((a, b) => a.growth - b.growth) as [
      Filled,
      Filled,
      Filled,
    ];
    console.log(`${kind}: ${(growth / count).toFixed(0)} bytes each, estimated ${(estimate / count).toFixed(0)}`);
    expect(estimate / growth).toBeGreaterThan(0.7);
    expect(estimate / growth).toBeLessThan(1.3);
  });

  it('counts what occurs several times once, and ends in a cycle', () => {
    const shared = { text: text(10_000) };
    expect(estimatedBytes([shared, shared, shared])).toBeLessThan(1.1 * estimatedBytes([shared]));
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(estimatedBytes(cycle)).toBeLessThan(200);
  });

  it('runs no accessor of an instance', () => {
    const trap = Object.defineProperty(Object.create({}) as object, 'secret', {
      enumerable: true,
      get: () => expect.unreachable('it was run'),
    });
    expect(estimatedBytes(trap)).toBeGreaterThan(0);
  });
});
