import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { blankObject } from '../../../lib/core/value/blank-object.js';

setFlagsFromString('--allow-natives-syntax');
const isFast = runInNewContext('(object) => %HasFastProperties(object)') as (object: object) => boolean;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function usedBytes(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `name ${at}`);

function filled(object: Record<string, unknown>, members: readonly string[]): Record<string, unknown> {
  for (const name of members) object[name] = name.length;
  return object;
}

describe('a blank object', () => {
  it.each([0, 1, 4, 5, 16, 17, 24, 25, 60, 128])(
    'is plain, and no hash table when it is filled: %i members',
    (count) => {
      const members = names(count);
      const object = filled(blankObject(members.length), members);
      expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
      expect(object.constructor).toBe(Object);
      expect(Object.keys(object)).toEqual(members);
      expect(object).toStrictEqual(filled({}, members));
      expect(isFast(object)).toBe(true);
      expect(isFast(Object.freeze(object))).toBe(true);
    },
  );

  it('is a hash table beyond 128 members, as every object is', () => {
    const members = names(1_000);
    expect(filled(blankObject(members.length), members)).toStrictEqual(filled({}, members));
  });

  it('is what an object made by {} is not', () => {
    const members = names(20).map((name) => `${name} of an object that only this test makes`);
    expect(isFast(filled({}, members))).toBe(false);
    expect(isFast(filled(blankObject(members.length), members))).toBe(true);
  });

  it('has room of its own for members, even where no object was filled when the first ones were made', () => {
    // Parents are made before their children and filled after them.
    const members = names(7);
    const former = usedBytes();
    const objects = Array.from({ length: 100_000 }, () => blankObject(members.length));
    for (const object of objects) for (const name of members) object[name] = 1;
    // Three words, one for each member, and one in the array. With a table for three of them it would be 104 bytes.
    expect((usedBytes() - former) / objects.length).toBeLessThan(96);
  });

  it('takes a member that is named __proto__, and names that are numbers', () => {
    const object = Object.defineProperty(blankObject(1), '__proto__', { value: 1, enumerable: true });
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(Object.keys(object)).toEqual(['__proto__']);
    expect(Object.keys(filled(blankObject(3), ['b', '1', 'a']))).toEqual(['1', 'b', 'a']);
  });
});
