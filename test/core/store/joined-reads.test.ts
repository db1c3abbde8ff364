import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../lib/core/entry.js';
import { JoinedReads } from '../../../lib/core/store/joined-reads.js';

const FIELDS = {
  kind: 'value',
  copyOnRead: false,
  storedAt: 0,
  freshUntil: 1,
  grace: 0,
  generation: 'g',
  tags: [],
} as const;

/** An entry as a store decodes it: each reader is given a value of its own. */
function decoded(): Entry {
  return { ...FIELDS, value: { rows: ['a'] }, again: decoded };
}

function counting(load: () => Promise<Entry | undefined>): { reads: JoinedReads; asked: string[] } {
  const asked: string[] = [];
  const reads = new JoinedReads((key) => {
    asked.push(key);
    return load();
  });
  return { reads, asked };
}

describe('reads that are joined', () => {
  it('of one key in one step are one, and those of other keys are not', async () => {
    const { reads, asked } = counting(async () => undefined);
    const all = ['a', 'b', 'a', 'a', 'b'].map((key) => reads.read(key));
    expect(await Promise.all(all)).toEqual(Array(5).fill(undefined));
    expect(asked).toEqual(['a', 'b']);
  });

  it('a reader of a later step reads anew: it may know of a change', async () => {
    const { reads, asked } = counting(async () => undefined);
    const first = reads.read('a');
    await Promise.resolve();
    await Promise.all([first, reads.read('a')]);
    expect(asked).toEqual(['a', 'a']);
  });

  it('gives each reader a value that it may change', async () => {
    const { reads } = counting(async () => decoded());
    const entries = await Promise.all(Array.from({ length: 3 }, () => reads.read('a')));
    (entries[0]?.value as { rows: string[] }).rows.push('spoilt');
    expect(entries.slice(1).map((entry) => entry?.value)).toEqual([{ rows: ['a'] }, { rows: ['a'] }]);
    expect(entries[1]?.value).not.toBe(entries[2]?.value);
  });

  it('gives all of them the one that they may share: the control of the test above', async () => {
    const shared: Entry = { ...FIELDS, value: { rows: ['a'] } };
    const { reads } = counting(async () => shared);
    const entries = await Promise.all(Array.from({ length: 3 }, () => reads.read('a')));
    expect(entries.every((entry) => entry === shared)).toBe(true);
  });

  it('fails for each of them, and is reported for the first', async () => {
    const { reads } = counting(() => Promise.reject(new Error('gone')));
    const outcomes = await Promise.allSettled([reads.read('a'), reads.read('a')]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { message: 'gone' } },
      // Which nobody reports.
      { status: 'rejected', reason: { code: 'E_STORE_SUSPENDED' } },
    ]);
  });
});
