import { redisRefusal } from './redis-refusal.js';

/** A reply to an operation on a key that holds something else. */
const WRONG_TYPE = /\bWRONGTYPE\b/;
const DEEPEST = 5;

/** What Redis refused, where that is behind an error: in its message or in those of its causes. Undefined for other errors. */
export function refusalBehind(error: unknown): string | undefined {
  let at = error;
  for (let depth = 0; at instanceof Error && depth < DEEPEST; depth++, at = at.cause) {
    const refusal = redisRefusal(at.message);
    if (refusal !== undefined) return refusal;
    if (WRONG_TYPE.test(at.message)) return 'WRONGTYPE';
  }
  return undefined;
}
