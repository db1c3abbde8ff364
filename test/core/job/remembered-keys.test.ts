import { describe, expect, it } from 'vitest';
import { RememberedKeys } from '../../../lib/core/job/remembered-keys.js';

describe('RememberedKeys', () => {
  it('keeps what is read again, and forgets what is not', () => {
    const keys = new RememberedKeys(10);
    keys.remember('hot', 'J:"hot"');
    for (let index = 0; index < 1_000; index++) {
      keys.remember(`cold ${String(index)}`, `J:"cold ${String(index)}"`);
      expect(keys.get('hot')).toBe('J:"hot"');
    }
    expect(keys.get('cold 0')).toBeUndefined();
    expect(keys.size).toBeLessThanOrEqual(20);
  });

  it('control: a key that is not read again is forgotten', () => {
    const keys = new RememberedKeys(10);
    keys.remember('hot', 'J:"hot"');
    for (let index = 0; index < 1_000; index++) keys.remember(index, `J:${String(index)}`);
    expect(keys.get('hot')).toBeUndefined();
  });

  it('tells a number from the string of its digits', () => {
    const keys = new RememberedKeys();
    keys.remember(1, 'J:1');
    keys.remember('1', 'J:"1"');
    expect([keys.get(1), keys.get('1')]).toEqual(['J:1', 'J:"1"']);
  });

  it('is bounded by bytes: long arguments leave room for fewer, and none that is larger alone', () => {
    const keys = new RememberedKeys(1_000, 10_000);
    for (let index = 0; index < 100; index++) keys.remember(String(index).padEnd(1_000), 'J:~hash');
    expect(keys.size).toBeLessThanOrEqual(2 * 4);
    keys.remember('x'.repeat(10_000), 'J:~hash');
    expect(keys.get('x'.repeat(10_000))).toBeUndefined();
  });
});
