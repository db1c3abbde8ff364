import { describe, expect, it } from 'vitest';
import { ConfigurationError, CorruptEntryError, UnserializableValueError } from '../../../lib/core/errors.js';
import { copyPortable, copyUnshared, toPortable } from '../../../lib/core/value/portable.js';
import { ValueTypeRegistry } from '../../../lib/core/value/value-type-registry.js';
import type { ValueTypeOption } from '../../../lib/core/value/value-types.js';
import { MsgpackrCodec } from '../../../lib/msgpackr/msgpackr-codec.js';

class User {
  readonly friends: User[] = [];

  constructor(
    readonly id: number,
    readonly name: string,
  ) {
    if (name === '') throw new Error('the constructor ran');
  }

  get initial(): string {
    return this.name.charAt(0);
  }

  greet(): string {
    return `I am ${this.name}`;
  }
}

class Money {
  readonly #cents: number;

  constructor(cents: number) {
    this.#cents = cents;
  }

  plus(other: Money): Money {
    return new Money(this.#cents + other.#cents);
  }

  toString(): string {
    return String(this.#cents);
  }
}

class Gone extends Error {
  constructor(readonly what: string) {
    super(`${what} is gone`);
  }

  describe(): string {
    return `${this.what}!`;
  }
}

class Tree {
  readonly children: Tree[] = [];
  parent: Tree | undefined;
}

class Names extends Map<string, User> {
  first(): User | undefined {
    return this.values().next().value;
  }
}

class List extends Array<number> {
  static from123(): List {
    const list = new List();
    list.push(1, 2, 3);
    return list;
  }

  sum(): number {
    return this.reduce((sum, each) => sum + each, 0);
  }
}

const money: ValueTypeOption = {
  type: Money,
  serialize: (instance) => instance.toString(),
  deserialize: (text: string) => new Money(Number(text)),
};

const registry = new ValueTypeRegistry([User, money, Gone, Tree, Names, List]);
const codec = new MsgpackrCodec(registry);

/** How a reader gets a value: as a copy in this process, as a copy that shares what is frozen, and from bytes. */
const ways: readonly [string, (value: unknown) => unknown][] = [
  ['a portable copy', (value) => toPortable('J', value, registry.all).value],
  ['a copy of it', (value) => copyPortable(toPortable('J', value, registry.all).value, registry.all)],
  ['a copy of what is not shared', (value) => copyUnshared(toPortable('J', value, registry.all).value, registry.all)],
  ['bytes', (value) => codec.decode(codec.encode(toPortable('J', value, registry.all).value))],
];

describe.each(ways)('through %s', (_, through) => {
  const trip = <T>(value: T): T => through(value) as T;

  it('an instance keeps methods and getters, nested, in arrays and in Maps', () => {
    const bob = new User(1, 'bob');
    bob.friends.push(new User(2, 'eve'));
    const { list, byName } = trip({ list: [bob], byName: new Map([['bob', bob]]) });
    const [user] = list;
    expect(user).toBeInstanceOf(User);
    expect(user?.greet()).toBe('I am bob');
    expect(user?.initial).toBe('b');
    expect(user?.friends[0]?.greet()).toBe('I am eve');
    expect(byName.get('bob')?.greet()).toBe('I am bob');
  });

  it('one instance in two places stays one, in circles too', () => {
    const root = new Tree();
    const child = new Tree();
    child.parent = root;
    root.children.push(child, child);
    const tree = trip(root);
    expect(tree.children[0]).toBe(tree.children[1]);
    expect(tree.children[0]?.parent).toBe(tree);
    expect(tree.children[0]).toBeInstanceOf(Tree);
  });

  it('no constructor and no setter runs', () => {
    const unnamed = Object.assign(Object.create(User.prototype) as User, { id: 1, name: '' });
    expect(trip(unnamed).greet()).toBe('I am ');
  });

  it('a class with private state comes back by its own form, and one instance in two places stays one', () => {
    const price = new Money(250);
    const { rows, again } = trip({ rows: [{ price }], again: price });
    expect(rows[0]?.price.plus(new Money(1)).toString()).toBe('251');
    expect(rows[0]?.price).toBe(again);
  });

  it('an error of a registered class keeps it', () => {
    const error = trip(new Gone('room'));
    expect(error).toBeInstanceOf(Gone);
    expect(error).toBeInstanceOf(Error);
    expect(error.describe()).toBe('room!');
    expect(error.message).toBe('room is gone');
  });

  it('subclasses of Map and Array keep theirs', () => {
    expect(
      trip(new Names([['a', new User(1, 'ann')]]))
        .first()
        ?.greet(),
    ).toBe('I am ann');
    expect(trip(List.from123()).sum()).toBe(6);
  });
});

describe('what readers share', () => {
  it('is frozen where an instance is its members', () => {
    const { value, shareable } = toPortable('J', [new User(1, 'bob')], registry.all);
    expect(shareable).toBe(true);
    expect(Object.isFrozen((value as User[])[0])).toBe(true);
  });

  it('is copied where a class has its own form, unless its instances never change', () => {
    expect(toPortable('J', { price: new Money(1) }, registry.all).shareable).toBe(false);
    const immutable = new ValueTypeRegistry([{ ...(money as object), type: Money, immutable: true }]);
    const price = new Money(1);
    const { value, shareable } = toPortable('J', { price }, immutable.all);
    expect(shareable).toBe(true);
    expect((value as { price: Money }).price).toBe(price);
    expect(Object.isFrozen(price)).toBe(false);
  });
});

describe('bytes', () => {
  it('of this format are read for ever', () => {
    const text =
      'J{"user":["$instance","User",{"id":1,"name":"bob","friends":[]}],"same":"$ref 1","price":["$custom","Money","250"],"gone":["$instance","Gone",["$error","Error","a is gone","what",true,"a"]]}';
    const read = codec.decode(Buffer.from(text)) as { user: User; same: User; price: Money; gone: Gone };
    expect(read.user.greet()).toBe('I am bob');
    expect(read.same).toBe(read.user);
    expect(read.price.plus(new Money(0)).toString()).toBe('250');
    expect(read.gone.describe()).toBe('a!');
    expect(codec.encode(read).toString()).toBe(text);
  });

  const encode = (value: unknown, types: readonly ValueTypeOption[]): Buffer => {
    const { all } = new ValueTypeRegistry(types);
    return new MsgpackrCodec(new ValueTypeRegistry(types)).encode(toPortable('J', value, all).value);
  };

  it('of a class that is not registered are plain objects, reported once', () => {
    const unknown: string[] = [];
    const reader = new MsgpackrCodec(new ValueTypeRegistry([], (name) => unknown.push(name)));
    const bytes = encode([new User(1, 'bob'), new User(2, 'eve'), new Money(3)], [User, money]);
    const [bob, , price] = reader.decode(bytes) as [User, User, unknown];
    expect(bob).toEqual({ id: 1, name: 'bob', friends: [] });
    expect(Object.getPrototypeOf(bob)).toBe(Object.prototype);
    expect(price).toBe('3');
    reader.decode(bytes);
    expect(unknown).toEqual(['User', 'Money']);
  });

  it('remember a bounded number of unknown names', () => {
    let told = 0;
    const reader = new MsgpackrCodec(new ValueTypeRegistry([], () => told++));
    for (let name = 0; name < 1_000; name++) reader.decode(Buffer.from(`J["$instance","C${name}",{}]`));
    expect(told).toBe(100);
  });

  it.each([
    ['an instance of a primitive', '["$instance","User",1]'],
    ['an instance of what is something already', '[{"a":1},["$instance","User","$ref 1"]]'],
    ['another form than the registered one', '["$instance","Money",{}]'],
    ['a form of its own where the class has none', '["$custom","User","1"]'],
    ['content that refers to its own instance', '["$custom","Money","$ref 0"]'],
    ['a name that is no text', '["$instance",1,{}]'],
    ['nothing', '["$instance"]'],
  ])('with %s are corrupt', (_, text) => {
    expect(() => codec.decode(Buffer.from(`J${text}`))).toThrow(CorruptEntryError);
  });

  it('whose deserialize throws or returns something else are corrupt', () => {
    const bytes = encode(new Money(1), [money]);
    const reading = (deserialize: (content: never) => object): (() => unknown) => {
      const types = new ValueTypeRegistry([{ type: Money, serialize: String, deserialize }]);
      return () => new MsgpackrCodec(types).decode(bytes);
    };
    const failing = reading(() => {
      throw new Error('no money');
    });
    expect(failing).toThrow(CorruptEntryError);
    expect(reading(() => ({}))).toThrow(/deserialize of Money in `types` returned no Money/);
  });

  it('name __proto__, constructor and the like without harm', () => {
    for (const name of ['__proto__', 'constructor', 'Object', 'toString']) {
      expect(codec.decode(Buffer.from(`J["$instance",${JSON.stringify(name)},{"a":1}]`))).toEqual({ a: 1 });
    }
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  it('a name that starts with $ survives', () => {
    const types: ValueTypeOption[] = [{ type: User, name: '$u' }];
    const reader = new MsgpackrCodec(new ValueTypeRegistry(types));
    expect(reader.decode(encode(new User(1, '$bob'), types))).toBeInstanceOf(User);
  });
});

describe('wrong types', () => {
  const named = (name: string): { new (): object; readonly prototype: object } =>
    ({
      [name]: class {
        id = 1;
      },
    })[name] as new () => object;

  it.each([
    ['a text', ['User'], /types of forRoot has 'User', which is not a class/],
    ['undefined, as from a circular import', [undefined], /which is not a class/],
    ['an arrow function', [() => 1], /which is not a class/],
    ['a class without a name', [named('')], /without a name.*\{ type, name: 'User' \}/],
    ['two classes of one name', [User, named('User')], /a second class named User.*\{ type: User, name: '…' \}/],
    ['a built-in class', [Date], /Leave it out: built-in classes survive/],
    ['only serialize', [{ type: Money, serialize: String }], /only one of serialize and deserialize/],
    ['no function', [{ type: Money, serialize: String, deserialize: 1 }], /deserialize of Money.*no function/],
    ['a class with private members', [Money], /Money, which keeps state in private members.*serialize/],
  ])('%s', (_, types, message) => {
    const start = (): unknown => new ValueTypeRegistry(types);
    expect(start).toThrow(ConfigurationError);
    expect(start).toThrow(message);
  });

  it('of a job are its own: two jobs may share a class, and not a name', () => {
    const types = new ValueTypeRegistry();
    types.ofJob('A', [User]);
    expect(() => types.ofJob('B', [User])).not.toThrow();
    expect(() => types.ofJob('C', [named('User')])).toThrow(/types of C has a second class named User/);
  });

  it('of one job are not of another', () => {
    const types = new ValueTypeRegistry();
    types.ofJob('A', [User]);
    const { value, classNames } = toPortable('B', new User(1, 'bob'), types.ofJob('B', []));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(classNames).toEqual(['User']);
  });

  it('a serialize that throws is an error with the job and the place', () => {
    const types = new ValueTypeRegistry([
      {
        type: Money,
        serialize: () => {
          throw new Error('closed');
        },
        deserialize: () => new Money(1),
      },
    ]);
    const store = (): unknown => toPortable('J', { deep: [new Money(1)] }, types.all);
    expect(store).toThrow(UnserializableValueError);
    expect(store).toThrow(/J: the value cannot be cached, \$\.deep\[0\]\.serialize\(\) throws/);
  });
});
