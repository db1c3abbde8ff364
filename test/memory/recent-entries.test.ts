import { describe, expect, it } from 'vitest';

import { RecentEntries } from '../../lib/memory/recent-entries.js';
import { vacant } from '../../lib/memory/stored-entry.js';

function entriesOf(max: number): { entries: RecentEntries; gone: string[]; fill: (...keys: string[]) => void } {
  const gone: string[] = [];
  const entries = new RecentEntries({ max, maxBytes: Infinity, onRemove: (key) => gone.push(key) });
  const fill = (...keys: string[]): void => {
    for (const key of keys) entries.set(key, vacant(0));
  };
  return { entries, gone, fill };
}

describe('RecentEntries', () => {
  it('drops the oldest when nothing is read', () => {
    const { gone, fill } = entriesOf(3);
    fill('a', 'b', 'c', 'd', 'e');
    expect(gone).toEqual(['a', 'b']);
  });

  it('spares what was read since it was last spared', () => {
    const { entries, gone, fill } = entriesOf(3);
    fill('a', 'b', 'c');
    entries.get('a');
    entries.get('b');
    fill('d');
    expect(gone).toEqual(['c']);
    entries.get('b');
    fill('e', 'f');
    expect(gone).toEqual(['c', 'a', 'd']);
  });

  it('has room for a new one also when all were read', () => {
    const { entries, gone, fill } = entriesOf(3);
    fill('a', 'b', 'c');
    for (const key of ['a', 'b', 'c']) entries.get(key);
    fill('d');
    expect(gone).toEqual(['a']);
    expect(entries.peek('d')).toBeDefined();
  });

  it('does not take a peek for a read', () => {
    const { entries, gone, fill } = entriesOf(2);
    fill('a', 'b');
    entries.peek('a');
    fill('c');
    expect(gone).toEqual(['a']);
  });

  it('reports what is replaced, deleted and cleared, and continues', () => {
    const { entries, gone, fill } = entriesOf(3);
    fill('a', 'b', 'a');
    entries.delete('b');
    entries.delete('b');
    fill('c', 'd', 'e');
    expect(gone).toEqual(['a', 'b', 'a']);
    entries.clear();
    expect(gone.slice(3).sort()).toEqual(['c', 'd', 'e']);
    fill('f', 'g', 'h', 'i');
    expect(gone.slice(6)).toEqual(['f']);
  });

  it('never holds more than it may, and keeps what is read all the time', () => {
    const { entries, gone, fill } = entriesOf(100);
    fill('hot');
    for (let n = 0; n < 10_000; n++) {
      entries.get('hot');
      fill(`key ${String(n)}`);
    }
    expect(gone.length).toBe(10_001 - 100);
    expect(gone).not.toContain('hot');
  });

  it('holds one entry where none is allowed', () => {
    const { entries, fill } = entriesOf(0);
    fill('a', 'b');
    expect([entries.peek('a'), entries.peek('b')]).toEqual([undefined, expect.anything()]);
  });
});
