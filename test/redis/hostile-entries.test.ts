import { describe, expect, it } from 'vitest';
import { CorruptEntryError } from '../../lib/core/errors.js';
import { readEntryItem } from '../../lib/cache-manager/entry-item.js';
import { readFailureItem } from '../../lib/cache-manager/failure-item.js';
import { readStamp } from '../../lib/cache-manager/stamp.js';
import { MsgpackrCodec } from '../../lib/msgpackr/index.js';
import { decodeEntry, decodeFailure } from '../../lib/redis/stored-format.js';

const codec = new MsgpackrCodec();
const value = codec.encode(1);
const decode = (header: string, failure?: string, age?: string): unknown =>
  decodeEntry(
    [Buffer.from(header), value, failure && Buffer.from(failure), age && Buffer.from(age)].map((part) => part || null),
    codec,
    'key',
  );
const WHOLE = '1 value 1000.000 2000.000 500.000 token []';

describe('stored entries that no release wrote', () => {
  it('control: a whole one is read', () => {
    expect(decode(WHOLE, '2 1.0 2.0 boom', '3.0')).toMatchObject({ storedAt: 1000, failure: { count: 2 } });
  });

  it.each([
    '1 value 1.2.3 2000.000 500.000 token []',
    '1 value . 2000.000 500.000 token []',
    '1 value 1000.000 .. 500.000 token []',
    `1 value 1000.000 ${'9'.repeat(400)} 500.000 token []`,
    '1 value 1000.000 8640000000000001 500.000 token []',
    '1 value 1000.000 8640000000000000 8640000000000000 token []',
    '1 value 1000.000 2000.000 500.000 token [1]',
    '1 value 1000.000 2000.000 500.000 token [null,"a"]',
    '1 value 1000.000 2000.000 500.000 token [["a"]]',
  ])('%s is a corrupt entry', (header) => {
    expect(() => decode(header)).toThrow(CorruptEntryError);
  });

  it.each(['1 . 2.0 boom', '1 1.0 1.1.1 boom', `${'9'.repeat(400)} 1 2 boom`])(
    'a failure %s makes it one',
    (failure) => {
      expect(() => decode(WHOLE, failure)).toThrow(CorruptEntryError);
    },
  );

  it.each(['1.1.1', '-5', '1e300', 'NaN'])('an inherited age of %s makes it one', (age) => {
    expect(() => decode(WHOLE, undefined, age)).toThrow(CorruptEntryError);
  });

  it('of a message of 2 MB the beginning is kept', () => {
    const failure = decodeFailure(Buffer.from(`1 1.0 2.0 ${'x'.repeat(2_000_000)}`));
    expect(failure?.message.length).toBeLessThan(4_200);
  });

  it('items of a cache-manager store with such times are refused, too', () => {
    const item = (storedAt: string): string => `entry/1 ["value",${storedAt},2,3,"g",[],[0,0]]\nx`;
    expect(readEntryItem(item('1')).storedAt).toBe(1);
    expect(() => readEntryItem(item('1e999'))).toThrow(CorruptEntryError);
    expect(() => readFailureItem('failure/1 [1,"m",1,1e999,"",0,0,5]')).toThrow(CorruptEntryError);
    expect(() => readStamp(`stamp/1 ${'9'.repeat(400)} 0 0`)).toThrow(CorruptEntryError);
  });
});
