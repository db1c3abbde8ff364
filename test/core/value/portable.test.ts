import { deepStrictEqual } from 'node:assert';
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { UnserializableValueError } from '../../../lib/core/errors.js';
import { freezeShareable } from '../../../lib/core/value/freeze.js';
import * as values from '../../../lib/core/value/portable.js';
import { NO_TYPES } from '../../../lib/core/value/value-types.js';

const toPortable = (job: string, value: unknown): values.Portable => values.toPortable(job, value, NO_TYPES);
const copyPortable = <T>(value: T): T => values.copyPortable(value, NO_TYPES);
const freezePortable = (value: unknown): boolean => freezeShareable(value, NO_TYPES);
const portable = <T>(value: T): T => toPortable('Report.sales', value).value as T;

class User {
  readonly #secret = 'x';
  constructor(
    readonly id: number,
    readonly tags: string[] = [],
  ) {}
  get label(): string {
    return `${this.id}${this.#secret}`;
  }
}

class Decimal {
  constructor(private readonly digits: string) {}
  toJSON(): string {
    return this.digits;
  }
}

describe('a portable value', () => {
  const kept: [string, unknown][] = [
    ['null', null],
    ['undefined', undefined],
    ['NaN', NaN],
    ['-0', -0],
    ['a bigint', 2n ** 200n],
    ['a string', '\ud800 lone'],
    ['a record', { a: 1, b: [true, null, { c: 'd' }] }],
    ['undefined members', { a: undefined, b: [undefined] }],
    ['a Date', new Date(5)],
    [
      'a Map with object keys',
      new Map<unknown, unknown>([
        [{ a: 1 }, new Set([1])],
        ['b', new Map()],
      ]),
    ],
    ['a Set', new Set([1, { a: 1 }])],
    ['a Buffer', Buffer.from('abc')],
    [
      'typed arrays',
      [new Uint8Array([1]), new Float64Array([NaN, -0]), new BigInt64Array([-1n]), new Uint8ClampedArray([9])],
    ],
    ['a view of a part', new Int16Array(new Int16Array([1, 2, 3]).buffer, 2, 1)],
    ['an ArrayBuffer', new Uint8Array([1, 2]).buffer],
    ['a DataView', new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 1)],
    ['a RegExp', /a\/b/giu],
    ['a standard error', new RangeError('no')],
    [
      'an error with a cause and fields',
      Object.assign(new TypeError('no', { cause: new Error('why') }), { code: 'E_NO', detail: { a: 1 } }),
    ],
    ['an AggregateError', new AggregateError([new Error('a'), 'b'], 'all')],
    [
      'members named like those of Object.prototype',
      JSON.parse('{"__proto__":{"polluted":1},"constructor":{"a":1},"toString":2}'),
    ],
  ];

  it.each(kept)('keeps %s', (_title, value) => {
    expect(isDeepStrictEqual(portable(value), value)).toBe(true);
    expect(isDeepStrictEqual(copyPortable(portable(value)), value)).toBe(true);
  });

  it('keeps an invalid Date invalid', () => {
    expect(copyPortable(portable(new Date(NaN))).getTime()).toBeNaN();
  });

  it('keeps the kind of views and errors', () => {
    const copy = portable({
      buffer: Buffer.from('a'),
      view: new Int8Array(1),
      error: new AggregateError([new Error('a')], 'all'),
    });
    expect(Buffer.isBuffer(copy.buffer)).toBe(true);
    expect(copy.view).toBeInstanceOf(Int8Array);
    expect(copy.error).toBeInstanceOf(AggregateError);
    expect(copy.error.errors[0]).toBeInstanceOf(Error);
    expect(copy.error.errors[0]).toMatchObject({ message: 'a' });
    expect(Buffer.isBuffer(copyPortable(copy).buffer)).toBe(true);
  });

  it('keeps URL and URLSearchParams', () => {
    const copy = portable({ url: new URL('http://a/?b=c#d'), query: new URLSearchParams('a=1&a=2') });
    expect(copy.url).toBeInstanceOf(URL);
    expect(copy.url.href).toBe('http://a/?b=c#d');
    expect(copy.query).toBeInstanceOf(URLSearchParams);
    expect(copy.query.getAll('a')).toEqual(['1', '2']);
  });

  it('shares nothing with the original', () => {
    const bytes = Buffer.from('abc');
    const original = { list: [{ a: 1 }], date: new Date(0), bytes, map: new Map([['a', { b: 1 }]]) };
    const copy = portable(original);
    original.list[0]!.a = 2;
    original.date.setTime(1);
    bytes[0] = 0;
    original.map.get('a')!.b = 2;
    expect(copy).toEqual({
      list: [{ a: 1 }],
      date: new Date(0),
      bytes: Buffer.from('abc'),
      map: new Map([['a', { b: 1 }]]),
    });
  });

  it('takes only its own bytes along, not the memory they were cut from', () => {
    expect(portable(Buffer.from('abc')).buffer.byteLength).toBe(3);
  });

  it('keeps cycles and shared references what they are', () => {
    const shared = { a: 1 };
    const value: Record<string, unknown> = { left: shared, right: shared, set: new Set([shared]) };
    value['self'] = value;
    value['list'] = [value];
    const error = new Error('loop');
    error.cause = error;
    value['error'] = error;
    for (const copy of [portable(value), copyPortable(portable(value))]) {
      expect(copy).not.toBe(value);
      expect(copy['left']).toBe(copy['right']);
      expect((copy['set'] as Set<unknown>).has(copy['left'])).toBe(true);
      expect(copy['self']).toBe(copy);
      expect((copy['list'] as unknown[])[0]).toBe(copy);
      expect((copy['error'] as Error).cause).toBe(copy['error']);
    }
  });

  it('a class instance becomes a plain object of its fields, and its class is named once', () => {
    const result = toPortable('Report.sales', [new User(1, ['a']), new User(2), new Map([['x', new User(3)]])]);
    expect(result.value).toEqual([{ id: 1, tags: ['a'] }, { id: 2, tags: [] }, new Map([['x', { id: 3, tags: [] }]])]);
    expect(Object.getPrototypeOf((result.value as unknown[])[0])).toBe(Object.prototype);
    expect(result.classNames).toEqual(['User']);
  });

  it('what has a toJSON() becomes its result, which is what its class says it is as data', () => {
    const result = toPortable('Report.sales', {
      price: new Decimal('1.50'),
      own: { toJSON: () => ({ a: new Date(0) }) },
    });
    expect(result.value).toEqual({ price: '1.50', own: { a: new Date(0) } });
    expect(result.classNames).toContain('Decimal');
  });

  it('names subclasses of built-ins, which come back as the built-in', () => {
    class Rows extends Array<number> {}
    class Stamp extends Date {}
    class NotFound extends TypeError {}
    const result = toPortable('Report.sales', [Rows.of(1), new Stamp(0), new NotFound('gone')]);
    expect(result.classNames).toEqual(['Rows', 'Stamp', 'NotFound']);
    const [rows, stamp, notFound] = result.value as [number[], Date, Error];
    expect([rows.constructor, stamp.constructor, notFound.constructor]).toEqual([Array, Date, TypeError]);
  });

  it('keeps name and code of an error that has them on its class, and leaves its stack behind', () => {
    class Gone extends Error {
      override get name(): string {
        return 'Gone';
      }
      get code(): string {
        return 'E_GONE';
      }
    }
    const copy = portable(new Gone('it went')) as Gone & { code?: unknown };
    expect(copy).toMatchObject({ name: 'Gone', code: 'E_GONE', message: 'it went' });
    expect(copy.stack).toBe('Gone: it went');
    const aborted = portable(AbortSignal.abort().reason as Error);
    expect(aborted).toBeInstanceOf(Error);
    expect(aborted).toMatchObject({ name: 'AbortError', code: 20 });
  });

  it('unboxes boxed primitives, keeps holes, keeps registered symbols, forgets null prototypes', () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1 });
    // eslint-disable-next-line no-sparse-arrays
    const value = { text: new String('a'), flag: new Boolean(false), list: [1, , 2], [Symbol.for('s')]: 1, bare };
    const copy = portable(value);
    expect(
      // eslint-disable-next-line no-sparse-arrays
      isDeepStrictEqual(copy, { text: 'a', flag: false, list: [1, , 2], [Symbol.for('s')]: 1, bare: { a: 1 } }),
    ).toBe(true);
  });

  it('reads a getter once', () => {
    let reads = 0;
    const value = {
      get a(): number {
        return ++reads;
      },
    };
    expect(portable(value)).toEqual({ a: 1 });
    expect(reads).toBe(1);
  });

  it('never pollutes a prototype', () => {
    const copy = portable(
      JSON.parse('{"__proto__":{"polluted":1},"a":{"constructor":{"prototype":{"polluted":1}}}}'),
    ) as object;
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(Object.hasOwn(copy, '__proto__')).toBe(true);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('what readers share they cannot spoil', () => {
  it('primitives, plain objects and arrays are frozen through and through', () => {
    const { value, shareable } = toPortable('Report.sales', { list: [{ a: [1] }], user: new User(1) });
    expect(shareable).toBe(true);
    const { list, user } = value as { list: { a: number[] }[]; user: User };
    for (const part of [value, list, list[0], list[0]!.a, user]) expect(Object.isFrozen(part)).toBe(true);
    expect(toPortable('Report.sales', 1n)).toEqual({ value: 1n, shareable: true, classNames: [] });
  });

  it.each([new Map(), new Set(), Buffer.from('a'), new ArrayBuffer(1), /a/, new URL('http://a'), new Error('a')])(
    'with %s inside, which cannot be frozen, each reader needs a copy',
    (inside) => {
      const { value, shareable } = toPortable('Report.sales', { inside });
      expect(shareable).toBe(false);
      expect(Object.isFrozen(value)).toBe(false);
    },
  );

  it('of a value with something changeable, all that does not lead to it is frozen', () => {
    const shareable = { a: [{ b: 1 }], at: new Date(0) };
    expect(freezePortable(shareable)).toBe(true);
    for (const part of [shareable.a, shareable.a[0], shareable.at]) expect(Object.isFrozen(part)).toBe(true);
    const mixed = { rows: [{ b: 1 }], index: new Map([['a', { deep: [1] }]]) };
    expect(freezePortable(mixed)).toBe(false);
    expect(Object.isFrozen(mixed)).toBe(false);
    for (const part of [mixed.rows, mixed.rows[0], mixed.index.get('a'), mixed.index.get('a')?.deep]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(freezePortable(1)).toBe(true);
  });

  it('circles are frozen, unless something in them can be changed', () => {
    const circle: { self?: unknown; by?: unknown } = {};
    circle.self = circle;
    expect(freezePortable(circle)).toBe(true);
    const broken: { self?: unknown; by?: unknown } = { by: new Set() };
    broken.self = { back: broken };
    expect(freezePortable(broken)).toBe(false);
    expect(Object.isFrozen(broken)).toBe(false);
    expect(Object.isFrozen(broken.self)).toBe(false);
  });

  it('a copy for a reader shares what is frozen and copies the way to what is not', () => {
    const { value } = toPortable('Report.sales', { rows: [{ a: 1 }], index: new Map([['a', { b: 1 }]]) });
    type Value = { rows: object[]; index: Map<string, object> };
    const stored = value as Value;
    const copy = values.copyUnshared(stored, NO_TYPES);
    expect(copy).toEqual(stored);
    expect(copy).not.toBe(stored);
    expect(copy.index).not.toBe(stored.index);
    expect(copy.rows).toBe(stored.rows);
    expect(copy.index.get('a')).toBe(stored.index.get('a'));
  });

  it('a Date is read-only and still a Date', () => {
    const at = portable({ at: new Date(86_400_000) }).at;
    for (const name of Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'))) {
      const set = (at as unknown as Record<string, (value: number) => unknown>)[name];
      expect(() => set?.call(at, 1), name).toThrow(/shared by all readers.*new Date\(date\)/);
    }
    expect(at.getTime()).toBe(86_400_000);
    expect(at).toBeInstanceOf(Date);
    expect(() => {
      deepStrictEqual(at, new Date(86_400_000));
    }).not.toThrow();
    expect(structuredClone(at)).toEqual(new Date(86_400_000));
    expect(JSON.stringify(at)).toBe('"1970-01-02T00:00:00.000Z"');
    const own = new Date(at);
    own.setFullYear(2000);
    expect(own.getFullYear()).toBe(2000);
    expect(Object.keys(at)).toEqual([]);
  });

  it('a copy of a frozen value is not frozen', () => {
    const copy = copyPortable(portable({ a: [1] }));
    copy.a.push(2);
    expect(copy).toEqual({ a: [1, 2] });
  });
});

describe('what cannot be stored is an error that names job and path', () => {
  const refused: [string, unknown, string][] = [
    ['a function', () => 1, '$'],
    ['a function inside', { items: [0, 1, 2, { callback: () => 1 }] }, '$.items[3].callback'],
    ['a symbol', [Symbol('a')], '$[0]'],
    ['a Promise', { rows: Promise.resolve([]) }, '$.rows'],
    ['a WeakMap', new WeakMap(), '$'],
    ['a stream', Readable.from([]), '$'],
    ['an emitter', new EventEmitter(), '$'],
    [
      'a generator',
      (function* () {
        yield 1;
      })(),
      '$',
    ],
    ['shared memory', new SharedArrayBuffer(1), '$'],
    [
      'a method as a field',
      new (class Row {
        save = (): void => undefined;
      })(),
      '$.save',
    ],
    [
      'a function in a Map',
      new Map([
        ['a', 1],
        ['b', () => 1],
      ] as [string, unknown][]),
      '$.entries()[1]',
    ],
    ['a function in an error', Object.assign(new Error('a'), { retry: () => 1 }), '$.retry'],
    [
      'a getter that throws',
      {
        'a b': {
          get a(): never {
            throw new Error('no');
          },
        },
      },
      '$["a b"].a',
    ],
    [
      'a function from toJSON',
      {
        row: new (class Row {
          toJSON(): unknown {
            return { a: () => 1 };
          }
        })(),
      },
      '$.row.toJSON().a',
    ],
    ['a boxed symbol', Object(Symbol('a')), '$'],
  ];

  it.each(refused)('%s', (_title, value, path) => {
    let error: unknown;
    try {
      toPortable('Report.sales', value);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UnserializableValueError);
    expect(error).toMatchObject({ job: 'Report.sales', path });
    expect((error as Error).message).toContain(`Report.sales: the value cannot be cached, ${path} `);
  });

  it('100,000 levels of nesting, with a path of readable length', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(() => toPortable('Report.sales', deep)).toThrow(UnserializableValueError);
    expect(() => toPortable('Report.sales', deep)).toThrow(/^.{1,400}$/);
  });

  it('a toJSON() that never comes to an end', () => {
    const endless = (): object => ({ toJSON: endless });
    expect(() => toPortable('Report.sales', endless())).toThrow(UnserializableValueError);
  });
});

describe('size', () => {
  it('a million elements are no problem', () => {
    const list = Array.from({ length: 1_000_000 }, (_, index) => index);
    expect(portable(list).length).toBe(1_000_000);
    expect(portable(new Set(list)).size).toBe(1_000_000);
  });

  it('900 levels of nesting neither', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 900; level++) deep = { deep };
    expect(isDeepStrictEqual(portable(deep), deep)).toBe(true);
  });
});
