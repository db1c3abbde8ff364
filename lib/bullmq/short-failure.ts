import { shortMessage } from '../core/entry.js';

/**
 * A failure as BullMQ may keep it: it writes the message and the stack into Redis, a thousand times at most, and a message
 * may be as long as a response.
 */
export function shortFailure(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
  const { message, stack = '' } = error;
  const [shortenedMessage, shortenedStack] = [shortMessage(message), shortMessage(stack)];
  if (shortenedMessage === message && shortenedStack === stack) return error;
  const short = new Error(shortenedMessage, { cause: error });
  short.name = error.name;
  short.stack = shortenedStack;
  return short;
}
