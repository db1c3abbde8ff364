/** What a contract suite uses of a test framework: the globals of vitest, or of any framework with the same names. */
export interface TestFramework {
  readonly describe: (name: string, define: () => void) => unknown;
  readonly it: (name: string, run: () => Promise<void>) => unknown;
  readonly beforeEach: (run: () => Promise<void>) => unknown;
  readonly afterEach: (run: () => Promise<void>) => unknown;
  readonly expect: (value: unknown) => Expectation;
}

export interface Expectation {
  readonly toBe: (expected: unknown) => void;
  readonly toEqual: (expected: unknown) => void;
  readonly toMatchObject: (expected: object) => void;
}
