import { expect } from 'vitest';

import type { TestFramework } from '../../lib/testing/test-framework.js';

export interface ContractRun {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
}

/** Runs a contract suite that is expected to fail, and tells which of its tests did. */
export async function runContract(describeContract: (framework: TestFramework) => void): Promise<ContractRun> {
  const tests: { name: string; run: () => Promise<void> }[] = [];
  const before: (() => Promise<void>)[] = [];
  const after: (() => Promise<void>)[] = [];
  const path: string[] = [];
  describeContract({
    describe: (name, define) => {
      path.push(name);
      define();
      path.pop();
    },
    it: (name, run) => tests.push({ name: [...path.slice(1), name].join(' '), run }),
    beforeEach: (run) => before.push(run),
    afterEach: (run) => after.push(run),
    expect,
  });
  const passed: string[] = [];
  const failed: string[] = [];
  for (const { name, run } of tests) {
    for (const each of before) await each();
    await run().then(() => passed.push(name), () => failed.push(name));
    for (const each of after) await each();
  }
  return { passed, failed };
}

/** The tests of the fence, without which old data comes back. */
export const FENCE_TESTS = [
  'the fence refuses a holder whose lease ran out, whether or not it was granted again',
  'the fence refuses a commit after a delete and after a set',
  'the fence refuses a commit after a delete of nothing',
  'a race of a commit with a delete leaves nothing',
  'a race of a commit with a set leaves what was set',
  'a race of a commit with clear leaves nothing',
  'any order of events comes out as in the model (200 schedules)',
];
