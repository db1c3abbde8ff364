import KeyvRedis from '@keyv/redis';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';

import { CorruptEntryError } from '../../lib/core/errors.js';
import { LONG } from '../../lib/testing/store-user.js';
import { storeOver } from './store-over.js';

const header = (but: Record<number, unknown> = {}): string =>
  JSON.stringify(['value', 1, 2, 3, 'g', [], [0, 0]].map((field, n) => (n in but ? but[n] : field)));

/** Items that may be found under the name of an entry and are not entries. */
const foreign: [string, unknown][] = [
  ['nothing', ''],
  ['a text', 'hello'],
  ['a number', 5],
  ['false', false],
  ['an object', { value: 1, metadata: {} }],
  ['a list', [1, 2]],
  ['bytes', Buffer.from('entry/1 [')],
  ['an entry of a later version', `entry/2 ${header()}\nag==`],
  ['half a header', `entry/1 ${header().slice(0, 10)}`],
  ['a header without an end', `entry/1 ${header()}`],
  ['a header that is no list', 'entry/1 {}\nag=='],
  ['another kind', `entry/1 ${header({ 0: 'vacant' })}\nag==`],
  ['no time', `entry/1 ${header({ 1: null })}\nag==`],
  ['no ttl', `entry/1 ${header({ 2: 'soon' })}\nag==`],
  ['no grace', `entry/1 ${header({ 3: [] })}\nag==`],
  ['no generation', `entry/1 ${header({ 4: 0 })}\nag==`],
  ['tags that are none', `entry/1 ${header({ 5: [1] })}\nag==`],
  ['stamps that are none', `entry/1 ${header({ 6: ['x', 0] })}\nag==`],
  ['stamps for other tags', `entry/1 ${header({ 5: ['tag'] })}\nag==`],
  ['no value', `entry/1 ${header({ 2: 9e15 })}\n`],
  ['a value in an unknown form', `entry/1 ${header({ 2: 9e15 })}\n${Buffer.from('?x').toString('base64')}`],
  ['half a value', `entry/1 ${header({ 2: 9e15 })}\n${Buffer.from('j{"a":').toString('base64')}`],
];

describe('an item that is', () => {
  it.each(foreign)('%s is a miss, reported once and removed', async (_, item) => {
    const told: [string, CorruptEntryError][] = [];
    const keyv = new Keyv();
    const { store, user } = storeOver({ stores: keyv, onCorrupt: (key, error) => told.push([key, error]) });
    await keyv.set('app:e:key', item);
    expect(await store.readMany(['key', 'other'])).toEqual([undefined, undefined]);
    expect(told).toEqual([['key', expect.any(CorruptEntryError)]]);
    expect(await user.acquire('key', { generation: '' })).toMatchObject({ kind: 'granted' });
    expect(await keyv.get('app:e:key')).toBe(undefined);
  });

  it.each([
    ['f', 'failure/1 [1]'],
    ['f', 'failure/1 {'],
    ['f', 7],
    ['k', 'stamp/1 x 0 0'],
    ['k', ['stamp/1 1 1 1']],
  ])('no more than rubbish beside an entry (%s: %j) does not hide it', async (kind, item) => {
    const told: string[] = [];
    const keyv = new Keyv();
    const { user } = storeOver({ stores: keyv, onCorrupt: (key) => told.push(key) });
    await user.fetched('key', 'value');
    await keyv.set(`app:${kind}:key`, item);
    expect(await user.served('key')).toBe('value');
    expect(await user.acquire('key')).toMatchObject({ kind: 'granted' });
    expect(await user.served('key')).toBe('value');
    expect(told).toEqual(['key']);
  });

  it.each(['app:cleared', 'app:tags', 'app:t:tag'])('rubbish in place of the stamp %s counts as none', async (name) => {
    const told: string[] = [];
    const keyv = new Keyv();
    const { store, user } = storeOver({ stores: keyv, onCorrupt: (key) => told.push(key) });
    await user.fetched('key', 'value', { tags: ['tag'] });
    await keyv.set(name, 'rubbish');
    expect(await user.served('key')).toBe('value');
    expect(told).toContain('');
    await store.deleteTags(['tag']);
    await store.clear();
    expect(await user.served('key')).toBe(undefined);
  });

  it('written anew before it is removed stays', async () => {
    const keyv = new Keyv();
    const { store, user } = storeOver({ stores: keyv });
    await keyv.set('app:e:key', 'rubbish');
    const [read] = await Promise.all([store.read('key'), user.set('key', 'value')]);
    expect(read).toBe(undefined);
    await store.invalidate('other');
    expect(await user.served('key')).toBe('value');
  });

  it('corrupt does not fail a reader where removing it fails', async () => {
    const keyv = new Keyv();
    const { store } = storeOver({ stores: keyv });
    await keyv.set('app:e:key', 'rubbish');
    keyv.deleteMany = () => Promise.reject(new Error('down'));
    expect(await store.read('key')).toBe(undefined);
    expect(await store.read('key')).toBe(undefined);
  });

  it('no JSON at all, in Redis, is a miss, and does not spoil the reads of others', async () => {
    const redis = new Redis(inject('redisUrl'));
    const prefix = `test:${randomUUID()}`;
    const told: string[] = [];
    const { store, user } = storeOver({
      prefix,
      stores: new KeyvRedis(inject('redisUrl')),
      onCorrupt: (key) => told.push(key),
    });
    try {
      await user.fetched('good', 'value', { ttl: LONG });
      const rubbish = [
        '',
        '{',
        'null',
        '5',
        '"text"',
        '[1]',
        '{"foo":1}',
        '{"value":null}',
        '{"value":5}',
        '\u0000\u00ff',
      ];
      for (const [n, text] of rubbish.entries()) await redis.set(`${prefix}:e:${n}`, text);
      await redis.lpush(`${prefix}:e:list`, 'of another type');
      const keys = ['good', ...rubbish.keys(), 'list'].map(String);
      const entries = await store.readMany(keys);
      expect(entries.map((entry) => entry?.value)).toEqual(keys.map((key) => (key === 'good' ? 'value' : undefined)));
      expect(new Set(told)).toEqual(new Set(['0', '1', '3', '4', '5', '6', '7', '8', '9']));
      for (const key of keys) await user.fetched(key, `new ${key}`);
      expect((await store.readMany(keys)).map((entry) => entry?.value)).toEqual(keys.map((key) => `new ${key}`));
    } finally {
      await store.close();
      redis.disconnect();
    }
  });
});

describe('with a tier of memory before it', () => {
  it('what is corrupt there is read from the next, and removed there only', async () => {
    const [near, far] = [new Keyv(), new Keyv()];
    const { user } = storeOver({ stores: [near, far] });
    await user.fetched('key', 'value');
    await near.set('app:e:key', 'rubbish');
    expect(await user.served('key')).toBe('value');
    await user.acquire('key');
    expect([await near.get('app:e:key'), await far.get('app:e:key')]).toEqual([
      undefined,
      expect.stringContaining('entry/1'),
    ]);
  });
});
