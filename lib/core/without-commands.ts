/** How many errors behind one error are looked at: causes have causes, and an aggregate has many. */
const MOST = 100;
/** Redis repeats the arguments of a command that it does not know or that ACL rules forbid. */
const ARGUMENTS = /,? with args beginning with:[^]*$/;
/** Redis 7.2 and later name the user. */
const USER = /\bUser \S+ has no permissions\b/;

type Members = Readonly<Record<'cause' | 'errors' | 'lastNodeError' | 'previousErrors', unknown>>;

/**
 * Removes from an error of a client, and from every error behind it, what the client was asked to do: ioredis puts the
 * command with its arguments on each error, and those are values, keys, or the password of AUTH. Returns the same error.
 */
export function withoutCommands(error: unknown): unknown {
  const behind = new Set<unknown>([error]);
  for (const each of behind) {
    if (typeof each !== 'object' || each === null) continue;
    try {
      stripOne(each);
      const { cause, errors, lastNodeError, previousErrors } = each as Members;
      for (const inner of [cause, lastNodeError, ...listOf(errors), ...listOf(previousErrors)]) {
        if (behind.size < MOST) behind.add(inner);
      }
    } catch {
      // An error whose members throw when they are read. It is passed on as it is.
    }
  }
  return error;
}

function stripOne(error: object): void {
  // Frozen errors refuse, without an exception.
  Reflect.deleteProperty(error, 'command');
  for (const member of ['message', 'stack']) {
    const text: unknown = Reflect.get(error, member);
    if (typeof text !== 'string') continue;
    const stripped = text.replace(USER, 'This user has no permissions');
    const withoutArguments = member === 'message' ? stripped.replace(ARGUMENTS, '') : withoutArgumentsIn(stripped);
    if (withoutArguments !== text) Reflect.set(error, member, withoutArguments);
  }
}

/** A stack begins with the message, whose arguments may have several lines. */
function withoutArgumentsIn(stack: string): string {
  const frames = /\n {4}at /.exec(stack)?.index ?? stack.length;
  return stack.slice(0, frames).replace(ARGUMENTS, '') + stack.slice(frames);
}

function listOf(errors: unknown): readonly unknown[] {
  return Array.isArray(errors) ? errors.slice(0, MOST) : [];
}
