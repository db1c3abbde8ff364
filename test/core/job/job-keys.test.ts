import { describe, expect, it } from 'vitest';
import { JobKeys } from '../../../lib/core/job/job-keys.js';
import { compilePolicy } from '../../../lib/core/policy/compile-policy.js';

describe('keys that a job remembers', () => {
  it('700 arguments of 1 MB are not kept in the process', () => {
    const keys = new JobKeys('J', compilePolicy('J', {}));
    const target = {};
    const before = process.memoryUsage().heapUsed;
    for (let id = 0; id < 700; id++) {
      const key = keys.of(target, [`${String(id)}${'x'.repeat(1_000_000)}`], undefined);
      expect(key.length).toBeLessThan(100);
    }
    // They take 668 MB while they were remembered, and strings that nobody holds are collected under that pressure.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(500_000_000);
  });

  it('a short argument gives the same key from memory, and after 1,000 others', () => {
    const keys = new JobKeys('J', compilePolicy('J', {}));
    const first = keys.of({}, ['a'], undefined);
    for (let id = 0; id < 3_000; id++) keys.of({}, [String(id)], undefined);
    expect(keys.of({}, ['a'], undefined)).toBe(first);
  });
});
