import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { QueueError, StoreError } from '../../lib/core/errors.js';
import { withoutCommands } from '../../lib/core/without-commands.js';

const SECRET = 'hunter2';

/** An error as ioredis makes it. */
function refusal(message = 'WRONGPASS invalid username-password pair', more: object = {}): Error {
  return Object.assign(new Error(message), { command: { name: 'auth', args: ['app', SECRET] } }, more);
}

function circular(): Error {
  const error = refusal();
  return Object.assign(error, { cause: Object.assign(refusal(), { cause: error }) });
}

const ERRORS: readonly [string, () => unknown][] = [
  ['an error', refusal],
  ['a cause', () => new Error('outer', { cause: refusal() })],
  ['a cause of a cause', () => new Error('outer', { cause: new Error('inner', { cause: refusal() }) })],
  ['one of an aggregate', () => new AggregateError([new Error('first'), refusal()], 'all failed')],
  ['a cause of one of an aggregate', () => new AggregateError([new Error('', { cause: refusal() })])],
  ["the last error of a Cluster's nodes", () => Object.assign(new Error('all'), { lastNodeError: refusal() })],
  ['an earlier error of a transaction', () => Object.assign(new Error('EXECABORT'), { previousErrors: [refusal()] })],
  ['an error that is its own cause', circular],
  ['an object that is no Error', () => ({ message: 'x', command: { args: [SECRET] } })],
  [
    'a message that repeats arguments',
    () => refusal(`ERR unknown command 'auth', with args beginning with: 'app' '${SECRET}' 'line\nline ${SECRET}'`),
  ],
];

describe('the command of a client', () => {
  it.each(ERRORS)('is removed from %s, and what happened stays readable', (_, make) => {
    expect(inspect(make(), { depth: Infinity, showHidden: true })).toContain(SECRET);
    const error = make();
    expect(withoutCommands(error)).toBe(error);
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
    expect(inspect(error, { depth: Infinity })).toMatch(/WRONGPASS|unknown command|message: 'x'/);
  });

  it('the name of a user is not in what Redis refuses it', () => {
    const error = new Error("NOPERM User app has no permissions to run the 'evalsha' command");
    withoutCommands(error);
    expect(error.message).toBe("NOPERM This user has no permissions to run the 'evalsha' command");
    expect(error.stack).not.toContain('User app');
  });

  it.each([
    ['a frozen error', () => Object.freeze(new Error('frozen'))],
    ['nothing', () => undefined],
    ['a text', () => 'text'],
    [
      'an error whose members throw',
      () => Object.defineProperty(new Error('x'), 'cause', { get: () => new Error().message.repeat(-1) }),
    ],
  ])('%s is passed on', (_, make) => {
    const error = make();
    expect(withoutCommands(error)).toBe(error);
  });

  it('a thousand errors behind one, each with a thousand, take no time', () => {
    const wide = (depth: number): Error =>
      depth === 0 ? refusal() : new AggregateError(new Array(1_000).fill(wide(depth - 1)));
    const error = wide(5);
    expect(withoutCommands(error)).toBe(error);
  });

  it('is in no StoreError and no QueueError', () => {
    for (const error of [
      new StoreError('read', { cause: new AggregateError([refusal()]) }),
      new QueueError('request', { cause: new Error('outer', { cause: refusal() }) }),
    ]) {
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
    }
  });
});
