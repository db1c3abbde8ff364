import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { addExtension, Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { CorruptEntryError } from '../../lib/core/errors.js';
import { NO_TYPES } from '../../lib/core/value/value-types.js';
import { toPortable } from '../../lib/core/value/portable.js';
import { MsgpackrCodec } from '../../lib/msgpackr/index.js';

const codec = new MsgpackrCodec();
const trip = <T>(value: T): T => codec.decode(codec.encode(value)) as T;
const formatOf = (value: unknown): string => codec.encode(value).toString('latin1', 0, 1);

const row = (index: number): Record<string, unknown> => ({
  id: index,
  name: `User ${index}`,
  email: `user.${index}@example.com`,
  active: index % 3 === 0,
  score: index * 1.37,
  address: { city: 'Köln', zip: null },
  tags: ['a', 'b'],
});
const rows = (count: number): Record<string, unknown>[] => Array.from({ length: count }, (_, index) => row(index));

const cyclic = (): unknown => {
  const value: Record<string, unknown> = { list: [], map: new Map(), set: new Set() };
  (value['list'] as unknown[]).push(value);
  (value['map'] as Map<unknown, unknown>).set('me', value).set(value, 1);
  (value['set'] as Set<unknown>).add(value);
  return value;
};

/** The values as which the bytes of test/fixtures/codec-v1.json must be read for ever. */
const frozen: Record<string, () => unknown> = {
  null: () => null,
  undefined: () => undefined,
  text: () => 'Köln "x" \ud800',
  numbers: () => [0, -1, 1.5, 2 ** 53, -0, NaN, Infinity, -Infinity],
  bigints: () => [0n, -(2n ** 200n)],
  record: () => ({ a: 1, b: { c: [true, false, null] } }),
  'undefined members': () => ({ a: undefined, b: [undefined] }),
  'texts that look like types': () => [['$date 0', '$', '$$'], ['$map', ['$ref 0']], { $set: '$undefined' }],
  dates: () => [new Date(0), new Date(-1), new Date(8.64e15)],
  map: () =>
    new Map<unknown, unknown>([
      ['a', new Date(5)],
      [{ k: 1 }, new Set([1, 'b'])],
    ]),
  bytes: () => ({
    buffer: Buffer.from('abc'),
    views: [
      new Uint8Array([1]),
      new Uint8ClampedArray([2]),
      new Int8Array([-1]),
      new Uint16Array([3]),
      new Int16Array([-3]),
    ],
    wide: [
      new Uint32Array([4]),
      new Int32Array([-4]),
      new Float32Array([1.5]),
      new Float64Array([-0]),
      new BigInt64Array([-5n]),
    ],
    rest: [new BigUint64Array([5n]), new DataView(new Uint8Array([6]).buffer), new Uint8Array([7]).buffer],
  }),
  regexp: () => /a\/"b/giu,
  errors: () => [
    Object.assign(new TypeError('no', { cause: new Error('why') }), { code: 'E_NO', detail: { at: new Date(0) } }),
    new AggregateError([new RangeError('a')], 'all'),
  ],
  cycle: cyclic,
  'hostile names': () => JSON.parse('{"__proto__":{"a":1},"constructor":{"b":2},"toString":3,"":4}'),
  rows: () => rows(40),
  'rows with dates': () => rows(40).map((each, index) => ({ ...each, at: new Date(index * 1e9), nick: undefined })),
};

const fixtures = JSON.parse(readFileSync(new URL('../fixtures/codec-v1.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;

describe('stored bytes', () => {
  it.each(Object.keys(frozen))('of version 1 are still read: %s', (name) => {
    const bytes = Buffer.from(fixtures[name] ?? '', 'base64');
    expect(isDeepStrictEqual(codec.decode(bytes), frozen[name]!())).toBe(true);
  });

  it('are frozen in every format there is', () => {
    const formats = Object.values(fixtures).map((base64) => Buffer.from(base64, 'base64').toString('latin1', 0, 1));
    expect([...new Set(formats)].sort()).toEqual(['J', 'M', 'j', 'm']);
    expect(Object.keys(fixtures)).toEqual(Object.keys(frozen));
  });

  it('are plain JSON after the first byte for small plain values', () => {
    expect(codec.encode({ a: [1, 'b'] }).toString()).toBe('j{"a":[1,"b"]}');
  });

  it('are records where shapes repeat, at about half the size of JSON', () => {
    expect(formatOf(rows(100))).toBe('m');
    expect(codec.encode(rows(100)).length).toBeLessThan(JSON.stringify(rows(100)).length * 0.6);
    expect(formatOf(rows(100).map((each) => ({ ...each, at: new Date(0) })))).toBe('M');
    expect(formatOf('x'.repeat(10_000))).toBe('j');
  });

  it('do not depend on what was encoded before', () => {
    const before = codec.encode(rows(60));
    codec.encode(rows(60).map((each, index) => ({ ...each, [`k${index}`]: 1 })));
    expect(codec.encode(rows(60)).equals(before)).toBe(true);
    expect(isDeepStrictEqual(new MsgpackrCodec().decode(before), rows(60))).toBe(true);
  });
});

describe('every portable value comes back equal', () => {
  it.each(Object.keys(frozen))('%s', (name) => {
    expect(isDeepStrictEqual(trip(frozen[name]!()), frozen[name]!())).toBe(true);
  });

  it('generated values', () => {
    fc.assert(
      fc.property(portableValue(), (generated) => {
        const { value } = toPortable('Report.sales', generated, NO_TYPES);
        expect(isDeepStrictEqual(trip(value), value)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it('generated values many times over, which makes records of them', () => {
    let records = 0;
    fc.assert(
      fc.property(portableValue(), (generated) => {
        const { value } = toPortable(
          'Report.sales',
          rows(60).map((each) => ({ ...each, value: structuredClone(generated) })),
          NO_TYPES,
        );
        if (/m/i.test(formatOf(value))) records++;
        expect(isDeepStrictEqual(trip(value), value)).toBe(true);
      }),
      { numRuns: 400 },
    );
    expect(records).toBeGreaterThan(200);
  });

  it('generated JSON, in shapes and names of any kind', () => {
    const name = fc.oneof(
      fc.constantFrom('a', 'b', '', '0', '__proto__', '__keys__', 'constructor', 'toJSON', 'a b', 'if'),
      fc.string(),
    );
    const shape = fc.uniqueArray(name, { maxLength: 6 });
    const leaf = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger(),
      fc.string({ unit: 'grapheme' }),
      fc.constant(null),
      fc.boolean(),
    );
    fc.assert(
      fc.property(
        fc.array(shape, { minLength: 1, maxLength: 100 }),
        fc.array(leaf, { minLength: 1 }),
        (shapes, leaves) => {
          let turn = 0;
          const object = (names: string[]): unknown =>
            Object.fromEntries(names.map((each) => [each, leaves[turn++ % leaves.length]]));
          const value = Array.from({ length: 200 }, (_, index) => object(shapes[index % shapes.length]!));
          expect(isDeepStrictEqual(trip(value), value)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('an invalid Date, URL and URLSearchParams, which isDeepStrictEqual cannot tell apart', () => {
    expect(trip(new Date(NaN)).getTime()).toBeNaN();
    expect(trip(new URL('http://a/?b=c#d')).href).toBe('http://a/?b=c#d');
    expect(trip(new URLSearchParams('a=1&a=2')).getAll('a')).toEqual(['1', '2']);
  });

  it('cycles and shared references stay what they are', () => {
    const shared = { at: new Date(0) };
    const copy = trip({ loop: cyclic(), left: shared, right: shared }) as {
      loop: { list: unknown[] };
      left: object;
      right: object;
    };
    expect(copy.loop.list[0]).toBe(copy.loop);
    expect(copy.left).toBe(copy.right);
  });

  it('errors keep kind, name, message, code, cause and fields', () => {
    const error = Object.assign(new RangeError('no', { cause: { a: 1 } }), {
      name: 'Gone',
      code: 'E_GONE',
      at: new Date(0),
    });
    const copy = trip(error);
    expect(copy).toBeInstanceOf(RangeError);
    expect(copy).toMatchObject({ name: 'Gone', message: 'no', code: 'E_GONE', cause: { a: 1 }, at: new Date(0) });
    expect(copy.stack).toBe('Gone: no');
    expect(trip(new AggregateError([new TypeError('a')], 'all')).errors[0]).toBeInstanceOf(TypeError);
  });

  it('a Buffer comes back as a Buffer', () => {
    expect(Buffer.isBuffer(trip({ bytes: randomBytes(5_000) }).bytes)).toBe(true);
  });

  it('at any size: a bigint of 100,000 digits, a million numbers, 900 levels', () => {
    const large = 10n ** 100_000n;
    expect(trip(large) === large).toBe(true);
    const numbers = Array.from({ length: 1_000_000 }, (_, index) => index);
    expect(isDeepStrictEqual(trip(numbers), numbers)).toBe(true);
    expect(trip(new Map(numbers.slice(0, 200_000).map((each) => [each, each]))).size).toBe(200_000);
    let deep: unknown = new Date(0);
    for (let level = 0; level < 900; level++) deep = { deep };
    expect(isDeepStrictEqual(trip(deep), deep)).toBe(true);
  });

  it('what is not portable is refused and leaves the codec usable', () => {
    expect(() => codec.encode({ a: () => 1 })).toThrow(TypeError);
    expect(() =>
      codec.encode(
        new (class Row {
          id = 1;
        })(),
      ),
    ).toThrow(TypeError);
    expect(trip(rows(100))).toEqual(rows(100));
  });
});

describe('bytes are untrusted', () => {
  const refused = (bytes: Buffer): void => expect(() => codec.decode(bytes)).toThrow(CorruptEntryError);
  const typed = (tree: unknown): Buffer => Buffer.from(`J${JSON.stringify(tree)}`);
  const records = (...bytes: number[]): Buffer => Buffer.from(['m'.charCodeAt(0), ...bytes]);

  it.each(['', 'x', 'j', 'j{', 'jundefined', 'J"$date 0', 'm', '{"a":1}', 'null'])(
    '%j is damaged or not ours',
    (bytes) => {
      refused(Buffer.from(bytes));
    },
  );

  it.each(Object.keys(frozen))('cut off anywhere it is refused: %s', (name) => {
    const bytes = codec.encode(frozen[name]!());
    for (let length = 0; length < bytes.length; length++) {
      // A number that loses its last digits is still a number. Only the store's own integrity prevents that.
      if (/^j-?\d+$/.test(bytes.toString('latin1', 0, length))) continue;
      refused(bytes.subarray(0, length));
    }
  });

  it('only the kinds of the list can be named', () => {
    for (const kind of ['$constructor', '$__proto__', '$function', '$Date', '$', '$map', '$error'])
      refused(typed(`${kind} alert(1)`));
    for (const kind of ['Function', 'constructor', 'valueOf', '__proto__', 'Object', null])
      refused(typed(['$error', kind, 'no']));
    for (const kind of ['Function', 'SharedArrayBuffer', 'constructor', '']) refused(typed(`$bytes ${kind} AAAA`));
    for (const digits of ['', '0x1', '1n', 'g', '--1']) refused(typed(`$bigint ${digits}`));
    for (const number of ['1', '', 'x', 'Infinity0']) refused(typed(`$number ${number}`));
    for (const target of ['1', '-1', '0.5', 'length', 'NaN', '__proto__']) refused(typed([`$ref ${target}`]));
    for (const damaged of ['$bytes Float64Array AAAA', '$regexp  (', '$regexp x a', '$url a', '$'])
      refused(typed(damaged));
    for (const error of [
      ['$error'],
      ['$error', 'Error'],
      ['$error', 'Error', 1],
      ['$error', 'Error', 'no', 1, true, 1],
    ])
      refused(typed(error));
  });

  it('names can pollute nothing', () => {
    const hostile = typed(['$error', 'Error', 'no', '__proto__', true, { polluted: 1 }, 'toString', true, 1]);
    const tree = Buffer.from('J{"__proto__":{"polluted":"$date 0"},"a":"$date 0"}');
    for (const bytes of [hostile, tree, Buffer.from('j{"__proto__":{"polluted":1}}')]) {
      const value = codec.decode(bytes) as object;
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      expect((value as { polluted?: unknown }).polluted).toBeUndefined();
    }
    expect(Object.getPrototypeOf(codec.decode(tree))).toBe(Object.prototype);
  });

  it('names of records are never code', () => {
    const seen = globalThis as { hacked?: unknown };
    const name = 'a":(globalThis.hacked=1),"b';
    const packed = new Packr({ useRecords: true }).pack(
      Array.from({ length: 50 }, (_, index) => ({ [name]: index, __proto_: 1 })),
    );
    expect(codec.decode(Buffer.concat([Buffer.from('m'), packed]))).toHaveLength(50);
    expect(seen.hacked).toBeUndefined();
  });

  it('extensions of msgpackr are not followed, neither its own nor those another package registered', () => {
    let called = false;
    addExtension({ type: 0x21, unpack: () => (called = true) });
    refused(records(0xd4, 0x21, 0x00));
    refused(records(0xc7, 0x01, 0x21, 0x00));
    const packr = new Packr({ moreTypes: true, structuredClone: true });
    for (const value of [new Error('a'), new Set([1]), /a/, new Date(), 2n ** 70n, 2n ** 60n, new Uint8Array(4)]) {
      refused(Buffer.concat([Buffer.from('m'), packr.pack(value)]));
    }
    expect(called).toBe(false);
  });

  it('a small header cannot ask for much memory', () => {
    refused(records(0xdd, 0x7f, 0xff, 0xff, 0xff));
    refused(records(0xdd, 0x00, 0x00, 0x00, 0x02, 0xdd, 0xff, 0xff, 0xff, 0xff));
    refused(records(0xdb, 0x7f, 0xff, 0xff, 0xff, 0x61));
    refused(records(0xd4, 0x72, 0x40, 0xdc, 0xff, 0xff));
  });

  it('records that were not defined, and bytes left over, are refused', () => {
    refused(records(0x40));
    refused(records(0x01, 0x01));
    refused(records(0xc1));
    refused(records(0x81, 0xa1, 0x61, 0x01));
  });

  it('nesting without end is refused, not a crash', () => {
    refused(Buffer.concat([Buffer.from('m'), Buffer.alloc(1_000_000, 0x91), Buffer.from([1])]));
    refused(Buffer.from(`J${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`));
    expect(trip(rows(100))).toEqual(rows(100));
  });

  it('100,000 random and mutated buffers are values or refused, soon, and the codec stays sound', () => {
    const seeds = Object.values(fixtures).map((base64) => Buffer.from(base64, 'base64'));
    let state = 0x2545f491;
    const random = (below: number): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % below;
    };
    let slowest = 0;
    for (let run = 0; run < 100_000; run++) {
      const bytes =
        run % 4 === 0
          ? Buffer.from(Array.from({ length: 1 + random(60) }, () => random(256)))
          : Buffer.from(seeds[random(seeds.length)]!);
      if (run % 4 === 0) bytes[0] = 'jJmM'.charCodeAt(random(4));
      else for (let change = random(4); change >= 0; change--) bytes[random(bytes.length)] = random(256);
      const start = performance.now();
      try {
        codec.decode(bytes);
      } catch (error) {
        if (!(error instanceof CorruptEntryError)) throw error;
      }
      slowest = Math.max(slowest, performance.now() - start);
    }
    expect(slowest).toBeLessThan(1_000);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    for (const make of Object.values(frozen)) expect(isDeepStrictEqual(trip(make()), make())).toBe(true);
  }, 120_000);
});

function portableValue(): fc.Arbitrary<unknown> {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('$date', '$', '__proto__', 'constructor', '$ref'),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 5 }).map((units) => String.fromCharCode(...units)),
  );
  return fc.letrec<{ value: unknown }>((tie) => {
    const value = tie('value');
    return {
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(
          null,
          undefined,
          true,
          false,
          0,
          -0,
          NaN,
          Infinity,
          -Infinity,
          2 ** 31,
          2 ** 32,
          2 ** 63,
        ),
        fc.double(),
        fc.integer(),
        fc.bigInt(),
        text,
        fc.date({ noInvalidDate: true }),
        fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
        fc.float64Array({ maxLength: 5 }),
        fc.bigInt64Array({ maxLength: 5 }),
        fc.constantFrom(/a/g, new TypeError('no')),
        fc.array(value, { maxLength: 4 }),
        fc.dictionary(text, value, { maxKeys: 4, noNullPrototype: true }),
        fc.array(fc.tuple(value, value), { maxLength: 3 }).map((entries) => new Map(entries)),
        fc.array(value, { maxLength: 3 }).map((members) => new Set(members)),
        fc.tuple(text, value).map(([message, cause]) => new RangeError(message, { cause })),
      ),
    };
  }).value;
}
