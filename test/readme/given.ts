import type { INestApplicationContext } from '@nestjs/common';
import { expect } from 'vitest';

/** What a snippet may use beside the files that its page shows or names. */
export interface Given {
  /** The reader's application. */
  readonly app: INestApplicationContext;
  readonly web: INestApplicationContext;
  readonly worker: INestApplicationContext;
  readonly later: (ms: number) => Promise<void>;
  /** Waits until what the comment says has happened. */
  readonly when: (what: string) => Promise<void>;
  readonly claim: (actual: unknown, expected: unknown) => void;
  readonly claimThrows: (run: () => Promise<unknown>, text: string) => Promise<void>;
  readonly atLeast: (expected: object) => unknown;
}

/** Checks claims and counts them, because a claim that is not reached proves nothing. */
export class Claims {
  checked = 0;

  readonly claim: Given['claim'] = (actual, expected) => {
    this.checked += 1;
    expect(actual).toEqual(expected);
  };

  readonly claimThrows: Given['claimThrows'] = async (run, text) => {
    this.checked += 1;
    await expect(run()).rejects.toThrow(text);
  };

  readonly atLeast: Given['atLeast'] = (expected) => expect.objectContaining(expected as Record<string, unknown>);
}
