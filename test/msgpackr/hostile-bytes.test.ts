import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CorruptEntryError, UnkeyableArgumentError, UnserializableValueError } from '../../lib/core/errors.js';
import { buildKey } from '../../lib/core/job/key.js';
import { copyPortable, copyUnshared, toPortable } from '../../lib/core/value/portable.js';
import { freezeShareable } from '../../lib/core/value/freeze.js';
import { NO_TYPES } from '../../lib/core/value/value-types.js';
import { ValueTypeRegistry } from '../../lib/core/value/value-type-registry.js';
import { CompressingCodec, MsgpackrCodec } from '../../lib/msgpackr/index.js';

class Holder {
  constructor(readonly content: unknown) {}
}

const types = new ValueTypeRegistry([
  { type: Holder, serialize: () => 'nothing', deserialize: (content: unknown) => new Holder(content) },
]);
const codec = new MsgpackrCodec(types);
const typed = (json: string): Buffer => Buffer.from(`J${json}`);
const nested = (levels: number, inside = '1'): string => '['.repeat(levels) + inside + ']'.repeat(levels);

/** What a reader does with an entry: decodes it, freezes what can be shared, copies it in both ways, and logs it. */
function readAll(bytes: Buffer): unknown {
  const value = codec.decode(bytes);
  copyPortable(value, types.all);
  freezeShareable(value, types.all);
  copyUnshared(value, types.all);
  return value;
}

/** A list of lists, each of which holds the one inside twice: its text doubles with each level. */
function doubling(levels: number): unknown {
  let list: unknown = ['x'];
  for (let level = 0; level < levels; level++) list = [list, list];
  return list;
}

const chain = (length: number, first: number): string =>
  Array.from({ length }, (_, at) => (at === 0 ? '{}' : `{"n":"$ref ${String(first + at)}"}`)).join(',');

describe('bytes that would take for ever, or fail later', () => {
  it('an error whose name is a list of lists that refer to each other is refused in both ways, in no time', () => {
    const error = Object.assign(new Error('boom'), { name: doubling(60) });
    const bytes = codec.encode(error);
    expect(bytes.length).toBeLessThan(2_000);
    expect(() => readAll(bytes)).toThrow(CorruptEntryError);
    expect(() => toPortable('job', error, NO_TYPES)).toThrow(/\$\.name is the name of an error and no text/);
  });

  it.each([
    ['a million arrays', Buffer.from(`j${nested(1_000_000)}`)],
    ['a million arrays with a type inside', typed(nested(1_000_000, '"$date 0"'))],
    ['1,001 arrays', Buffer.from(`j${nested(1_001)}`)],
    ['1,001 objects', Buffer.from(`j${'{"a":'.repeat(1_001)}1${'}'.repeat(1_001)}`)],
    ['1,000 arrays and a Date', typed(nested(1_000, '"$date 0"'))],
    ['1,000 arrays and a Set', typed(nested(1_000, '["$set",1]'))],
    ['1,001 arrays in records', Buffer.from([0x6d, ...Array<number>(1_001).fill(0x91), 0x01])],
    ['a million arrays in records', Buffer.concat([Buffer.from('m'), Buffer.alloc(1_000_000, 0x91), Buffer.of(1)])],
    ['an instant that is no number', typed('"$date tomorrow"')],
    ['a URL with a name that takes quadratic time', typed(`"$url http://${'\u4e00\u4f01'.repeat(100_000)}/"`)],
    ['a URL with a name of 3,000 letters', typed(`"$url http://${'a'.repeat(3_000)}/"`)],
    ['a key that is in a Map twice', typed('["$map","a",1,"a",2]')],
    ['a member that is in a Set twice', typed('["$set",1,1]')],
    ['a member that is in an error twice', typed('["$error","Error","","a",true,1,"a",true,2]')],
    ['members of an error that no copy would come by', typed('["$error","Error","","hidden",false,1]')],
    ['members of an error in another order', typed('["$error","Error","","cause",false,1,"a",true,1]')],
    [
      'a chain of 100,000 references behind the content of a class',
      typed(`[["$custom","Holder",[${chain(100_000, 2)}]],"$ref 100002"]`),
    ],
  ])('%s is a corrupt entry', (_, bytes) => {
    expect(() => readAll(bytes)).toThrow(CorruptEntryError);
  });

  it.each([
    ['1,000 arrays', Buffer.from(`j${nested(1_000)}`)],
    ['999 arrays and a Date', typed(nested(999, '"$date 0"'))],
    ['1,000 instances', typed('["$instance","Nobody",{"a":'.repeat(1_000) + '1' + '}]'.repeat(1_000))],
    ['1,000 arrays in records', Buffer.from([0x6d, ...Array<number>(1_000).fill(0x91), 0x01])],
    ['10,000 arrays beside each other', Buffer.from(`j[${'[[1],2],'.repeat(10_000)}3]`)],
    ['records beside each other', Buffer.from([0x6d, 0xdc, 0x0f, 0xa0, ...Array<number>(4_000).fill(0x90)])],
    ['an error that hides a long chain', typed(`[["$error","Error","","a",true,[${chain(50_000, 2)}]],"$ref 50002"]`)],
    ['an invalid Date', typed('"$date NaN"')],
  ])('%s can be read in every way', (_, bytes) => {
    expect(() => readAll(bytes)).not.toThrow();
  });

  it('what is written at the limit is read again, and what is beyond it is refused when it is stored', () => {
    const at = JSON.parse(nested(999, '{}')) as unknown;
    const value = toPortable('job', at, NO_TYPES).value;
    expect(codec.decode(codec.encode(value))).toStrictEqual(at);
    expect(() => toPortable('job', [[at]], NO_TYPES)).toThrow(UnserializableValueError);
  });

  it('a few compressed bytes become at most 1,100 times as many', () => {
    const compressing = new CompressingCodec(codec, 10);
    const long = ' '.repeat(10_000_000);
    expect(compressing.decode(compressing.encode(long))).toBe(long);
    const bomb = (zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer }).zstdCompressSync;
    if (bomb === undefined) return;
    const bytes = Buffer.concat([Buffer.from('Z'), bomb(Buffer.alloc(200_000_000, 0x20))]);
    expect(() => compressing.decode(bytes)).toThrow(CorruptEntryError);
  });
});

describe('arrays with billions of empty places', () => {
  const sparse: unknown[] = [];
  sparse[4_000_000_000] = 1;

  it('are refused as values, with the path', () => {
    expect(() => toPortable('job', { list: sparse }, NO_TYPES)).toThrow(UnserializableValueError);
    expect(() => toPortable('job', { list: sparse }, NO_TYPES)).toThrow(/\$\.list\[10000\] .*10000 empty places/);
  });

  it('are refused as arguments', () => {
    expect(() => buildKey('job', undefined, [sparse])).toThrow(UnkeyableArgumentError);
  });

  it('a few holes are kept', () => {
    const few = [1, , 3]; // eslint-disable-line no-sparse-arrays
    expect(toPortable('job', few, NO_TYPES).value).toStrictEqual(few);
  });
});
