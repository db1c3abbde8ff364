import { expect } from 'vitest';

import type { TestFramework } from '../../lib/testing/test-framework.js';

export interface ContractRun {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
}

interface Collected {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/**
 * Runs a contract suite that is expected to fail, and returns which of its tests did. `atOnce`: all of its tests run at
 * the same time, which is sound for suites that mostly wait.
 */
export async function runContract(
  describeContract: (framework: TestFramework) => void,
  { atOnce = false } = {},
): Promise<ContractRun> {
  const names = collect(describeContract).map(({ name }) => name);
  const passed: string[] = [];
  const failed: string[] = [];
  const runNth = async (n: number): Promise<void> => {
    // Each test gets a suite of its own: the tests of one suite share variables.
    const { name, run } = collect(describeContract)[n]!;
    await run().then(
      () => passed.push(name),
      () => failed.push(name),
    );
  };
  if (atOnce) await Promise.all(names.map((_, n) => runNth(n)));
  else for (const n of names.keys()) await runNth(n);
  const inOrder = (list: string[]): string[] => list.sort((one, other) => names.indexOf(one) - names.indexOf(other));
  return { passed: inOrder(passed), failed: inOrder(failed) };
}

/** The tests of a suite, each with its hooks. */
function collect(describeContract: (framework: TestFramework) => void): Collected[] {
  const tests: Collected[] = [];
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
  return tests.map(({ name, run }) => ({
    name,
    run: async () => {
      for (const each of before) await each();
      try {
        await run();
      } finally {
        for (const each of after) await each();
      }
    },
  }));
}

/** The tests that fail without a fence, when old data comes back. */
export const FENCE_TESTS = [
  'the fence refuses a holder whose lease ran out, whether or not it was granted again',
  'the fence refuses a commit after a delete and after a set',
  'the fence refuses a commit after a delete of nothing',
  'a race of a commit with a delete leaves nothing',
  'a race of a commit with a set leaves what was set',
  'a race of a commit with clear leaves nothing',
  'any order of events comes out as in the model (200 schedules)',
];
