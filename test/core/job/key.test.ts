import { EventEmitter } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnkeyableArgumentError } from '../../../lib/core/errors.js';
import { buildKey, encodeArguments, keyOf, keyPrefix } from '../../../lib/core/job/key.js';

const encode = (...args: unknown[]): string => encodeArguments('Report.sales', args);

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}

  sum(): number {
    return this.x + this.y;
  }
}

/** Data only. */
class Page {
  constructor(
    readonly page: number,
    readonly size?: number,
  ) {}
}

class Secret {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  get cents(): number {
    return this.#cents;
  }
}

class Keyed extends Secret {
  toKey(): unknown {
    return { cents: this.cents };
  }
}

/** Like TypeORM's find operators: state in fields, behind accessors, and a registered symbol as a mark. */
class Operator {
  readonly '@instanceof' = 'FindOperator';
  constructor(
    readonly _type: string,
    readonly _value: unknown,
  ) {}
  get value(): unknown {
    return this._value;
  }
}

class Money {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  toJSON(): string {
    return (this.#cents / 100).toFixed(2);
  }
}

describe('a key', () => {
  it('is readable: class, method, arguments', () => {
    expect(buildKey('Report.sales', undefined, ['bob', 1, { a: 1 }])).toBe('Report.sales:"bob",1,{"a":1}');
    expect(buildKey('Report.all', undefined, [])).toBe('Report.all:');
  });

  it('carries the version of its job', () => {
    expect(buildKey('Report.sales', 2, ['bob'])).toBe('Report.sales@2:"bob"');
    expect(buildKey('Report.sales', 'v2', ['bob'])).toBe('Report.sales@v2:"bob"');
  });

  it('does not confuse a version with a name, whatever characters they have', () => {
    const parts: [string, string | undefined][] = [
      ['A.b@2', undefined],
      ['A.b', '2'],
      ['A.b@2:', undefined],
      ['A.b', '2:'],
    ];
    const keys = parts.map(([name, version]) => buildKey(name, version, []));
    expect(new Set(keys).size).toBe(parts.length);
  });

  it('is the same from a kept prefix', () => {
    expect(keyOf(keyPrefix('Report.sales', 2), 'Report.sales', [1])).toBe(buildKey('Report.sales', 2, [1]));
  });

  it('of more than 200 characters is the name and a hash of the whole', () => {
    const key = buildKey('Report.sales', 2, ['x'.repeat(300)]);
    expect(key).toMatch(/^Report\.sales@2:~[\w-]{43}$/);
    expect(buildKey('Report.sales', 2, ['x'.repeat(300)])).toBe(key);
    expect(buildKey('Report.sales', 2, ['x'.repeat(301)])).not.toBe(key);
    expect(buildKey('Report.sales', undefined, ['x'.repeat(200 - 'Report.sales:""'.length)])).toHaveLength(200);
  });
});

describe('arguments that differ have different keys', () => {
  const different: [string, unknown[], unknown[]][] = [
    ['1 and "1"', [1], ['1']],
    ['null and "null"', [null], ['null']],
    ['null and undefined', [null, 1], [undefined, 1]],
    ['("a:b") and ("a","b")', ['a:b'], ['a', 'b']],
    ['("a,b") and ("a","b")', ['a","b'], ['a', 'b']],
    ['[1,2] and "[1,2]"', [[1, 2]], ['[1,2]']],
    ['[1,2] and (1,2)', [[1, 2]], [1, 2]],
    ['[] and no argument', [[]], []],
    ['{} and []', [{}], [[]]],
    ['1 and 1n', [1], [1n]],
    ['true and "true"', [true], ['true']],
    ['NaN and null', [NaN], [null]],
    ['a Date and its ISO string', [new Date(0)], [new Date(0).toISOString()]],
    ['a Set and an array', [new Set([1])], [[1]]],
    ['a Map and an object', [new Map([['a', 1]])], [{ a: 1 }]],
    ['a Map and a Set of pairs', [new Map([[1, 2]])], [new Set([[1, 2]])]],
    ['a Buffer and a Uint8Array', [Buffer.from('a')], [new Uint8Array([97])]],
    ['typed arrays of different kinds', [new Uint8Array([1])], [new Int8Array([1])]],
    ['a RegExp and another flag', [/a/], [/a/i]],
    ['a RegExp and a URL', [/a/], [new URL('http://a')]],
    ['a URL and its string', [new URL('http://a/')], ['http://a/']],
    ['a class instance and a plain object', [new Point(1, 2)], [{ x: 1, y: 2 }]],
    ['undefined in the middle', [1, undefined, 2], [1, 2]],
    ['a member keyed by a symbol, and none', [{ [Symbol.for('gt')]: 5 }], [{}]],
    ['members keyed by different symbols', [{ id: { [Symbol.for('gt')]: 5 } }], [{ id: { [Symbol.for('lt')]: 5 } }]],
    ['values under the same symbol', [{ id: { [Symbol.for('gt')]: 5 } }], [{ id: { [Symbol.for('gt')]: 6 } }]],
    ['a symbol and its description', [{ [Symbol.for('gt')]: 5 }], [{ gt: 5 }]],
    ['a member and a symbol after it', [{ a: 1, [Symbol.for('b')]: 2 }], [{ a: 1 }]],
    ['toKey() of different content', [new Keyed(1)], [new Keyed(2)]],
    ['a toKey() and its content', [new Keyed(1)], [{ cents: 1 }]],
    ['operators of other values', [new Operator('in', [1, 2])], [new Operator('in', [1, 3])]],
    ['operators of other types', [new Operator('not', 1)], [new Operator('equal', 1)]],
    ['a hole and undefined', [[1, , 3]], [[1, undefined, 3]]], // eslint-disable-line no-sparse-arrays
    ['lone surrogates', ['\ud800'], ['\ud801']],
    ['a lone surrogate and the replacement character', ['\ud800'], ['\ufffd']],
  ];

  it.each(different)('%s', (_title, left, right) => {
    expect(encode(...left)).not.toBe(encode(...right));
  });

  it('class instances by the name of their class, however odd it is', () => {
    const named = (name: string): object =>
      new (
        {
          [name]: class {
            a = 1;
            b(): void {}
          },
        }[name] as new () => object
      )();
    const names = ['A', 'B', 'Map', 'Date', '', 'a"b', '{', 'A{', 'null', 'NaN', 'Object', 'A B'];
    const texts = names.map((name) => encode(named(name)));
    expect(new Set([...texts, encode({ a: 1 })]).size).toBe(names.length + 1);
  });

  it('own classes that are called like a built-in', () => {
    const Imposter = {
      Map: class {
        size?: number;
      },
    }.Map;
    expect(encode(new Imposter())).not.toBe(encode(new Map()));
  });

  it('subclasses of built-ins by their name and their own fields', () => {
    class Zoned extends Date {
      constructor(
        time: number,
        readonly zone: string,
      ) {
        super(time);
      }
    }
    const texts = [
      encode(new Zoned(0, 'a')),
      encode(new Zoned(0, 'b')),
      encode(new Zoned(1, 'a')),
      encode(new Date(0)),
    ];
    expect(new Set(texts).size).toBe(4);
  });
});

describe('arguments that are equal have the same key', () => {
  const letters = Array.from({ length: 26 }, (_, index): [string, number] => [String.fromCharCode(97 + index), index]);

  const same: [string, unknown[], unknown[]][] = [
    ['members in another order', [{ a: 1, b: { c: 1, d: 2 } }], [{ b: { d: 2, c: 1 }, a: 1 }]],
    ['a DTO that is only data and a plain object', [new Page(1, 2)], [{ page: 1, size: 2 }]],
    [
      'DTOs of one content and different classes',
      [new Page(1)],
      [
        new (class Other {
          page = 1;
        })(),
      ],
    ],
    [
      'symbols in another order',
      [{ [Symbol.for('a')]: 1, [Symbol.for('b')]: 2 }],
      [{ [Symbol.for('b')]: 2, [Symbol.for('a')]: 1 }],
    ],
    ['trailing undefined', ['a', undefined, undefined], ['a']],
    ['undefined members', [{ a: 1, b: undefined }], [{ a: 1 }]],
    ['-0 and 0', [-0], [0]],
    [
      'a Map in another order',
      [
        new Map([
          [1, 'a'],
          [2, 'b'],
        ]),
      ],
      [
        new Map([
          [2, 'b'],
          [1, 'a'],
        ]),
      ],
    ],
    ['a Set in another order', [new Set(['a', 'b'])], [new Set(['b', 'a'])]],
    ['null-prototype objects', [Object.assign(Object.create(null) as object, { a: 1 })], [{ a: 1 }]],
    [
      'objects of another realm',
      [runInNewContext('({ a: [1, new Date(0), new Map([[1, 2]])] })')],
      [{ a: [1, new Date(0), new Map([[1, 2]])] }],
    ],
    ['views of the same bytes', [Buffer.from('xabc').subarray(1)], [Buffer.from('abc')]],
    ['boxed primitives', [new String('a'), Object(1n)], ['a', 1n]],
    [
      'more than sixteen members in another order',
      [Object.fromEntries(letters)],
      [Object.fromEntries([...letters].reverse())],
    ],
  ];

  it.each(same)('%s', (_title, left, right) => {
    expect(encode(...left)).toBe(encode(...right));
  });

  it('in every process: the text is written down here', () => {
    const text = encode(
      'a"b\n\u00e9',
      -1.5,
      Infinity,
      10n,
      true,
      null,
      undefined,
      [1, [2]],
      new Date(0),
      new Map([[1, { a: 1 }]]),
      new Set([2, 1]),
      Buffer.from('abc'),
      new Float32Array([1]),
      new ArrayBuffer(1),
      /a\/"b/gi,
      new URL('http://a/?b=c'),
      new URLSearchParams('a=1'),
      new Point(1, 2),
      new Money(150),
    );
    expect(text).toBe(
      '"a\\"b\\n\u00e9",-1.5,Infinity,10n,true,null,undefined,[1,[2]],Date(1970-01-01T00:00:00.000Z),Map{1=>{"a":1}},' +
        'Set{1,2},Buffer(YWJj),Float32Array(AACAPw==),ArrayBuffer(AA==),RegExp("a\\\\/\\"b",gi),URL("http://a/?b=c"),' +
        'URLSearchParams("a=1"),Point{"x":1,"y":2},Money("1.50")',
    );
  });

  it('members named like those of Object.prototype are ordinary', () => {
    const hostile = JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":2,"hasOwnProperty":3}') as unknown;
    expect(encode(hostile)).toBe('{"__proto__":{"a":1},"constructor":1,"hasOwnProperty":3,"toString":2}');
    expect(encode('__proto__')).toBe('"__proto__"');
  });

  it('quotes strings as JSON does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }), (units) => {
        const text = String.fromCharCode(...units);
        expect(encode(text)).toBe(JSON.stringify(text));
      }),
    );
  });

  it('and only then: generated argument lists, alike or edited here and there, against structural equality', () => {
    const lists = fc.array(argument(), { maxLength: 3 });
    const edits = fc.array(fc.nat({ max: 24 }), { minLength: 1, maxLength: 20 });
    const pairs = fc.oneof(
      fc.tuple(lists, lists),
      fc.tuple(lists, edits).map(([list, script]): [unknown[], unknown[]] => {
        let turn = 0;
        const right = edited(list, () => script[turn++ % script.length]);
        return [list, Array.isArray(right) ? right : [right]];
      }),
    );
    const seen = { equal: 0, different: 0 };
    fc.assert(
      fc.property(pairs, ([left, right]) => {
        const expected = isDeepStrictEqual(normalList(left), normalList(right));
        seen[expected ? 'equal' : 'different']++;
        expect(encode(...left) === encode(...right)).toBe(expected);
      }),
      { numRuns: 30_000 },
    );
    expect(Math.min(seen.equal, seen.different)).toBeGreaterThan(3_000);
  });

  it('after a copy, whatever the order of members', () => {
    fc.assert(
      fc.property(argument(), (value) => {
        expect(encode(shuffled(value))).toBe(encode(value));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what cannot be a key is an error at the call that names job, argument and place', () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const looped = new Map<string, unknown>();
  looped.set('me', looped);
  const deep = (levels: number): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level++) value = [value];
    return value;
  };

  const refused: [string, unknown, string][] = [
    ['a function', () => 1, '$'],
    ['a symbol', Symbol('a'), '$'],
    ['a function inside', { filter: { done: [1, () => 1] } }, '$.filter.done[1]'],
    ['an oddly named member', { 'a b': Symbol('a') }, '$["a b"]'],
    ['a function in a Map', new Map([['a', () => 1]]), '$.entries()[0]'],
    ['a member keyed by a symbol of this process', { where: { [Symbol('mine')]: 1 } }, '$.where[Symbol(mine)]'],
    ['an instance with private state only', { price: new Secret(1) }, '$.price'],
    ['an instance that inherits state', Object.assign(Object.create({ tenant: 'a' }) as object, { id: 1 }), '$'],
    ['an array with members beside its elements', { found: /a/.exec('a') }, '$.found'],
    ['a Promise', Promise.resolve(1), '$'],
    [
      'a query that was not awaited',
      new (class Query {
        then(): void {}
      })(),
      '$',
    ],
    ['a WeakMap', new WeakMap(), '$'],
    ['a WeakRef', new WeakRef({}), '$'],
    [
      'a generator',
      (function* () {
        yield 1;
      })(),
      '$',
    ],
    ['a stream', Readable.from([]), '$'],
    ['a socket', new Socket(), '$'],
    ['an emitter', new EventEmitter(), '$'],
    ['a request', { request: new IncomingMessage(new Socket()) }, '$.request'],
    ['Headers', new Headers(), '$'],
    ['an AbortSignal', new AbortController().signal, '$'],
    ['a cycle', { a: cycle }, '$.a.self'],
    ['a cycle through a Map', looped, '$.entries()[0]'],
    ['an invalid Date', { since: new Date(NaN) }, '$.since'],
    ['an Error', new Error('a'), '$'],
    [
      'a getter that throws',
      {
        get a(): never {
          throw new Error('no');
        },
      },
      '$.a',
    ],
    [
      'a toJSON that throws',
      new (class Broken {
        toJSON(): never {
          throw new Error('no');
        }
      })(),
      '$.toJSON()',
    ],
  ];

  it.each(refused)('%s', (_title, value, path) => {
    let error: unknown;
    try {
      encodeArguments('Report.sales', ['fine', value]);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UnkeyableArgumentError);
    expect(error).toMatchObject({ job: 'Report.sales', index: 1, path });
    expect((error as Error).message).toContain('Report.sales: argument 2');
  });

  it('nesting that would overflow the stack', () => {
    expect(encode(deep(100))).toMatch(/^\[{100}1/);
    expect(() => encode(deep(100_000))).toThrow(UnkeyableArgumentError);
  });

  it('keeps the cause of what a getter threw', () => {
    const cause = new Error('no');
    const value = {
      get a(): never {
        throw cause;
      },
    };
    expect(() => encode(value)).toThrow(expect.objectContaining({ cause }) as Error);
  });

  it('the same object twice is no cycle', () => {
    const shared = { a: 1 };
    expect(encode([shared, shared])).toBe('[{"a":1},{"a":1}]');
  });

  it('an instance without fields is no error: an empty query object', () => {
    class FindQuery {
      declare name?: string;
    }
    expect(encode(new FindQuery())).toBe('{}');
  });
});

/** Few atoms that are easily confused, so that equal lists occur and unequal ones are nearly equal. */
function argument(): fc.Arbitrary<unknown> {
  return fc.letrec<{ value: unknown }>((tie) => {
    const text = fc.constantFrom('', '1', 'a', 'a:b', 'a,b', '"', '","', 'null', '{}', '[1]', '\\', '=>', '__proto__');
    const value = tie('value');
    return {
      value: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        fc.constantFrom<unknown>(null, undefined, true, false, 0, -0, 1, -1, NaN, Infinity, 1n, 0n),
        text,
        fc.constantFrom(0, 1).map((time) => new Date(time)),
        fc.constantFrom('', 'a').map((bytes) => Buffer.from(bytes)),
        fc.array(value, { maxLength: 2 }),
        fc.dictionary(text, value, { maxKeys: 2, noNullPrototype: true }),
        fc.array(fc.tuple(text, value), { maxLength: 2 }).map((entries) => new Map(entries)),
        fc.array(text, { maxLength: 2 }).map((members) => new Set(members)),
        fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(0, 1)).map(([x, y]) => new Point(x, y)),
      ),
    };
  }).value;
}

/** The same value, or one that is nearly equal. */
function edited(value: unknown, next: () => number | undefined): unknown {
  const edit = next();
  if (edit === 0) return String(value);
  if (edit === 1) return [value];
  if (Array.isArray(value)) {
    if (edit === 2) return [...(value as unknown[]), undefined];
    if (edit === 3) return value.slice(1);
    return value.map((item) => edited(item, next));
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Map) return edit === 2 ? Object.fromEntries(value) : new Map([...value].reverse());
  if (value instanceof Set) return edit === 2 ? [...value] : new Set([...value].reverse());
  if (value instanceof Point) return edit === 2 ? { x: value.x, y: value.y } : new Point(value.x, value.y);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const members = Object.entries(value).map(([name, member]) => [name, edited(member, next)] as const);
  if (edit === 2) return Object.fromEntries([...members, ['z', undefined]]);
  if (edit === 3) return Object.fromEntries(members.slice(1));
  if (edit === 4) return new Map(members);
  return Object.fromEntries(members.reverse());
}

function normalList(args: readonly unknown[]): unknown[] {
  const list = args.map(normal);
  while (list.length > 0 && list.at(-1) === undefined) list.pop();
  return list;
}

function normal(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(normal);
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [key, normal(member)]));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, normal(member)]));
}

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (value instanceof Map) return new Map([...value].reverse().map(([key, member]) => [key, shuffled(member)]));
  if (value instanceof Set) return new Set([...value].reverse());
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, shuffled(member)]),
  );
}
