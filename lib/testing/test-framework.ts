/** What a contract suite uses of a test framework: the globals of vitest, or of any framework with the same names. */
export interface TestFramework {
  /** Groups tests. */
  readonly describe: (name: string, define: () => void) => unknown;
  /** Defines a test. */
  readonly it: (name: string, run: () => Promise<void>) => unknown;
  /** Runs before each test of the group. */
  readonly beforeEach: (run: () => Promise<void>) => unknown;
  /** Runs after each test of the group. */
  readonly afterEach: (run: () => Promise<void>) => unknown;
  /** Begins an assertion. */
  readonly expect: (value: unknown) => Expectation;
}

/** The assertions that the suites use. */
export interface Expectation {
  /** The same value, as `Object.is` has it. */
  readonly toBe: (expected: unknown) => void;
  /** Equal in depth. */
  readonly toEqual: (expected: unknown) => void;
  /** Equal in the members that the expected object has. */
  readonly toMatchObject: (expected: object) => void;
}
