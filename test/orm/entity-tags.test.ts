import { describe, expect, it } from 'vitest';
import { tagsOfCascades, tagsOfRows, tagsOfWrite } from '../../lib/orm/entity-tags.js';
import { idText, keyText, rowId } from '../../lib/orm/row-id.js';
import { isByUniqueKey, modelsReached } from '../../lib/orm/read-dependencies.js';
import { MemoryModel } from './support/memory-orm.js';

/** Users have orders and a profile; orders refer to users and are deleted with them; profiles are left. */
function shop() {
  const [user, order, profile] = [new MemoryModel('User'), new MemoryModel('Order'), new MemoryModel('Profile')];
  user.relations = [
    { name: 'orders', target: order, isOwn: false },
    { name: 'profile', target: profile, isOwn: true },
  ];
  order.relations = [{ name: 'user', target: user, isOwn: true }];
  order.references = [{ target: user, onDelete: 'delete' }];
  user.references = [{ target: profile, onDelete: 'change' }];
  return { user, order, profile, all: [user, order, profile] };
}

describe('tags of rows', () => {
  it('are those of each row and of what it includes', () => {
    const { user } = shop();
    const row = { id: 1, profile: { id: 7 } };
    expect(tagsOfRows(user, [row])).toEqual(['User', 'Profile', 'User:1', 'Profile:7']);
  });

  it('name any row of a relation to many, and of a relation that is null', () => {
    const { user } = shop();
    expect(tagsOfRows(user, [{ id: 1, orders: [{ id: 3 }] }])).toEqual([
      'User',
      'Order',
      'Order:*',
      'User:1',
      'Order:3',
    ]);
    expect(tagsOfRows(user, [{ id: 1, profile: null }])).toEqual(['User', 'Profile', 'Profile:*', 'User:1']);
  });

  it('end where rows refer to each other in circles', () => {
    const { user } = shop();
    const row: Record<string, unknown> = { id: 1 };
    row['orders'] = [{ id: 3, user: row }];
    expect(tagsOfRows(user, [row])).toEqual(['User', 'Order', 'Order:*', 'User:1', 'Order:3']);
  });

  it('are of entities beyond a hundred rows', () => {
    const { user } = shop();
    const tags = tagsOfRows(
      user,
      Array.from({ length: 300 }, (_, id) => ({ id })),
    );
    expect(tags).toHaveLength(102);
    expect(tags).toContain('User:*');
  });

  it('are of the entity where the id is not known', () => {
    expect(tagsOfRows(shop().user, [{ name: 'Ann' }])).toEqual(['User', 'User:*']);
  });
});

describe('tags of a write', () => {
  it('of a row are the row and any row, of unknown rows the entity', () => {
    const { user } = shop();
    expect(tagsOfWrite(user, '1')).toEqual(['User:1', 'User:*']);
    expect(tagsOfWrite(user, undefined)).toEqual(['User']);
  });

  it('that deletes have what the database deletes and changes, and end in circles', () => {
    const { user, order, profile, all } = shop();
    expect(tagsOfCascades(user, all)).toEqual(['Order']);
    expect(tagsOfCascades(profile, all)).toEqual(['User']);
    expect(tagsOfCascades(order, all)).toEqual([]);
    user.references = [{ target: order, onDelete: 'delete' }];
    expect(new Set(tagsOfCascades(user, all))).toEqual(new Set(['Order', 'User']));
  });
});

describe('the id of a row', () => {
  const composite = new MemoryModel('Part');
  composite.key = [
    { name: 'a', text: 'asIs' },
    { name: 'b', text: 'lowerCase' },
  ];

  it('is the text of all members of its key', () => {
    expect(rowId(composite, { a: 1n, b: 'X' })).toBe('1,x');
    expect(rowId(composite, { a: 1 })).toBeUndefined();
    expect(rowId(composite, { a: new Date(), b: 'x' })).toBeUndefined();
    const keyless = new MemoryModel('Keyless');
    keyless.key = [];
    expect(rowId(keyless, { a: 1 })).toBeUndefined();
    expect(idText(composite, { a: 1, b: 'X' })).toBe('1,x');
    expect(idText(new MemoryModel('User'), 5)).toBe('5');
  });

  it.each([
    [['int', 'int4', 'INTEGER', 'bigint', 'BIGINT', 'smallint', 'serial', 'bigserial', 'Number'], 'asIs'],
    [['PgSerial', 'PgBigInt53', 'PgBigSerial64', 'PgSmallInt', 'PgText', 'PgVarchar'], 'asIs'],
    [['text', 'varchar', 'character varying', 'STRING', 'String'], 'asIs'],
    [['uuid', 'UUID', 'UUIDV4', 'PgUUID'], 'lowerCase'],
    [['interval', 'PgInterval', 'numeric', 'PgNumeric', 'timestamptz', 'citext', 'CHAR', 'jsonb', 'point'], undefined],
  ])('of types %j is written %s', (types, text) => {
    for (const type of types) expect([type, keyText(type)]).toEqual([type, text]);
  });
});

describe('conditions', () => {
  it('name one row by all members of a unique key with one value each', () => {
    const { user } = shop();
    expect(isByUniqueKey(user, { id: 1, name: 'x' })).toBe(true);
    for (const where of [{ name: 'x' }, { id: null }, { id: { $gt: 1 } }, [{ id: 1 }], {}, undefined, 1]) {
      expect(isByUniqueKey(user, where)).toBe(false);
    }
    user.uniqueKeys = [[]];
    expect(isByUniqueKey(user, {})).toBe(false);
  });

  it('reach the entities of their relations, through operators and lists', () => {
    const { user, order, profile } = shop();
    const reached = modelsReached(user, {
      OR: [{ profile: { city: 'x' } }, { orders: { some: { user: { id: 1 } } } }],
    });
    expect(reached).toEqual(new Set([profile, order, user]));
    expect(modelsReached(user, { name: 'x' }, undefined, 'profile')).toEqual(new Set());
  });
});
