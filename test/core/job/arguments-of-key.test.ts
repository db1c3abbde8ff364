import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentsOfKey } from '../../../lib/core/job/arguments-of-key.js';
import { keyOf } from '../../../lib/core/job/key.js';

const PREFIX = 'Job.read:';
const roundTrip = (args: readonly unknown[], context?: unknown) =>
  argumentsOfKey(PREFIX, 'Job.read', keyOf(PREFIX, 'Job.read', args, context));

describe('the arguments that a key holds', () => {
  it.each<[unknown[]]>([
    [[]],
    [['bob', 1, true]],
    [[null, 'a"b\\c\n<script>', -1.5e-9, NaN, Infinity, -Infinity]],
    [[undefined, 2]],
    [[12n, -3n, new Date('2026-11-27T00:00:00.123Z')]],
    [[{ a: [1, { b: 'x' }], c: {} }, []]],
    [['~', '<', '>', '']],
    [[JSON.parse('{"__proto__":{"x":1}}')]],
  ])('%o come back', (args) => {
    expect(roundTrip(args)?.args).toEqual(args);
  });

  it('so does the context', () => {
    expect(roundTrip(['bob'], { tenant: 'a>b' })).toEqual({ args: ['bob'], context: { tenant: 'a>b' } });
  });

  it('whatever JSON they are', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 4 }), (args) => {
        const key = keyOf(PREFIX, 'Job.read', args);
        const origin = argumentsOfKey(PREFIX, 'Job.read', key);
        if (key.startsWith(`${PREFIX}~`)) expect(origin).toBeUndefined();
        else expect(keyOf(PREFIX, 'Job.read', origin!.args)).toBe(key);
      }),
    );
  });

  it.each<[string, string]>([
    ['hashed', keyOf(PREFIX, 'Job.read', ['x'.repeat(300)])],
    ['of a Map', keyOf(PREFIX, 'Job.read', [new Map([['a', 1]])])],
    ['of bytes', keyOf(PREFIX, 'Job.read', [Buffer.from('a')])],
    ['with a hole', keyOf(PREFIX, 'Job.read', [[1, , 2]])], // eslint-disable-line no-sparse-arrays
    ['of another job', 'Other:"bob"'],
    ['that is not canonical', `${PREFIX}"bob" `],
    ['that ends too early', `${PREFIX}{"a":`],
    ['of another text of the same value', `${PREFIX}1.0`],
    ['of members in another order', `${PREFIX}{"b":1,"a":2}`],
  ])('are not told from a key %s', (_, key) => {
    expect(argumentsOfKey(PREFIX, 'Job.read', key)).toBeUndefined();
  });
});
