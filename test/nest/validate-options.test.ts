import { describe, expect, it } from 'vitest';
import type { AsyncCacheOptions } from 'nestjs-async-cache';
import { validateOptions } from '../../lib/nest/validate-options.js';

const connection = { host: 'localhost', port: 6379 };
const keyv = { get: () => undefined, set: () => undefined };
const cache = { get: async () => undefined, set: async () => undefined, del: async () => true };
const codec = { encode: () => Buffer.of(), decode: () => undefined };

describe('options of forRoot that make sense together', () => {
  it.each<AsyncCacheOptions>([
    {},
    { connection },
    { connection, worker: false },
    { connection, worker: { concurrency: 1, limiter: { max: 1, duration: 1_000 } } },
    { worker: { concurrency: 5 } },
    { connection, store: { connection } },
    { connection, store: { max: 10 } },
    { connection, stores: [keyv] },
    { connection, cache },
    { stores: keyv },
    { stores: { sessions: { connection }, local: { max: 100 }, old: { cache }, keyvs: { stores: [keyv] } } },
    { store: { max: 5 }, stores: { other: { max: 6 } } },
    { cache, stores: { other: { max: 6 } } },
    { prefix: 'app', storeTimeout: '1s', enabled: false, serializer: codec },
    { near: false },
    { connection, compress: { above: '10KB' } },
    { connection, compress: { above: 4_096 } },
    { near: { max: 5, age: '1s' }, connection },
    { near: { maxBytes: '64MB' }, connection, name: 'shop' },
    { store: { max: 5, maxBytes: 1_000 } },
    { store: { maxBytes: '64MB' } },
    { defaults: { ttl: 5, tags: ['a'] } },
  ])('%o', (options) => {
    expect(() => validateOptions(options)).not.toThrow();
  });
});

describe('options of forRoot that are refused', () => {
  it.each<[unknown, RegExp]>([
    [undefined, /The options of forRoot are undefined. Give an object/],
    [{ conection: connection }, /has an option 'conection', which does not exist. The options are: connection, store/],
    [{ compress: true }, /compress of forRoot is true. Give \{ above: '10KB' \}/],
    [{ compress: { above: '10 k' } }, /compress.above of forRoot is '10 k'. Write a number of bytes.*'10KB'/],
    [{ compress: { above: 1 }, serializer: codec }, /compress and serializer/],
    [{ isGlobal: true }, /Write it beside useFactory/],
    [{ enabled: 'false' }, /enabled of forRoot is 'false'. It must be true or false/],
    [
      { connection: { host: 'localhost', keyPrefix: 'shop:' } },
      /^connection of forRoot has the keyPrefix 'shop:'. .*prefix: 'shop' in forRoot/,
    ],
    [{ connection: { options: { keyPrefix: 'shop:' }, duplicate: () => null } }, /keyPrefix 'shop:'.*prefix: 'shop'/],
    [{ store: { connection: { options: { redisOptions: { keyPrefix: 'a' } } } } }, /^store.connection .*keyPrefix 'a'/],
    [{ connection: 'redis://:secret@localhost' }, /^connection of forRoot is a string. Write \{ host, port \}/],
    [{ store: { max: 1 }, stores: [keyv] }, /has store and stores. Say once/],
    [{ store: { max: 1 }, cache }, /has store and cache/],
    [{ stores: keyv, cache }, /has stores and cache/],
    [{ store: {} }, /^store of forRoot has \{\}. Say where/],
    [{ store: { max: 1, connection } }, /^store of forRoot has max and connection/],
    [{ store: { host: 'x' } }, /^store of forRoot has host. Say where/],
    [{ store: 'redis' }, /^store of forRoot has 'redis'/],
    [{ store: { max: 0 } }, /store\.max of forRoot is 0/],
    [{ store: { maxBytes: '64 mb' } }, /store\.maxBytes of forRoot is '64 mb'.*'64MB'/],
    [{ store: { maxBytes: 0 } }, /store\.maxBytes of forRoot is 0/],
    [{ store: { maxBytes: Number.NaN } }, /store\.maxBytes of forRoot is NaN/],
    [{ store: { connection, maxBytes: 1 } }, /^store of forRoot has connection and max/],
    [{ name: '' }, /name of forRoot is ''/],
    [{ name: 5 }, /name of forRoot is 5/],
    [{ store: { connection: 'redis:' } }, /store\.connection of forRoot is a string/],
    [{ stores: { a: {} } }, /^stores\.a of forRoot has \{\}/],
    [{ stores: 'a' }, /stores of forRoot is 'a'/],
    [{ worker: false }, /worker: false and no connection, so nobody would refresh/],
    [{ worker: true }, /worker of forRoot is true/],
    [{ worker: { concurrency: 0 } }, /worker\.concurrency is 0/],
    [{ worker: { concurrency: 1.5 } }, /worker\.concurrency is 1\.5/],
    [{ worker: { limiter: { max: 1, duration: 1 } } }, /worker\.limiter and no connection/],
    [{ connection, worker: { limiter: { max: 1 } } }, /worker\.limiter is \{ max: 1 \}/],
    [{ prefix: '' }, /prefix of forRoot is ''/],
    [{ prefix: 5 }, /prefix of forRoot is 5/],
    [{ storeTimeout: 0 }, /storeTimeout of forRoot is 0. It must be longer than zero/],
    [{ storeTimeout: 'x' }, /storeTimeout of forRoot is 'x'/],
    [{ near: true }, /near of forRoot is true/],
    [{ near: { max: 0 } }, /near\.max of forRoot is 0/],
    [{ near: { maxBytes: -1 } }, /near\.maxBytes of forRoot is -1/],
    [{ near: { age: -1 } }, /near\.age of forRoot is -1/],
    [{ serializer: {} }, /serializer of forRoot is no codec/],
    [{ defaults: { ttl: 'soon' } }, /ttl of defaults of forRoot is 'soon'/],
    [{ defaults: { tll: 5 } }, /has an option 'tll'/],
    [{ defaults: { name: 'x' } }, /defaults of forRoot has name. It would be the same for every job/],
    [{ defaults: { key: () => '' } }, /defaults of forRoot has key/],
  ])('%o', (options, message) => {
    expect(() => validateOptions(options as AsyncCacheOptions)).toThrow(message);
  });
});
