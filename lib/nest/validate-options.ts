import { inspect } from 'node:util';
import { toBytes } from '../core/policy/byte-size.js';
import { toPeriod } from '../core/policy/duration.js';
import { ConfigurationError } from '../core/errors.js';
import { compilePolicy } from '../core/policy/compile-policy.js';
import type { AsyncCacheOptions, NearOptions, StoreOptions, WorkerOptions } from './async-cache-options.js';

const OPTIONS = {
  connection: true,
  store: true,
  stores: true,
  cache: true,
  prefix: true,
  name: true,
  near: true,
  worker: true,
  telemetry: true,
  maxWaiting: true,
  enabled: true,
  storeTimeout: true,
  defaults: true,
  serializer: true,
  types: true,
  context: true,
  compress: true,
} satisfies Record<keyof AsyncCacheOptions, true>;

/** Options that make sense for a single job only, and not as defaults. */
const OF_ONE_JOB = ['name', 'key', 'prepareArgs'];

/** Returns the options of `forRoot`. Throws a {@link ConfigurationError} for wrong or contradictory ones. */
export function validateOptions(options: AsyncCacheOptions): AsyncCacheOptions {
  if (!isObject(options)) throw wrong(`The options of forRoot are ${shown(options)}`, 'Give an object');
  refuseUnknown(options);
  const { enabled, connection, prefix, name, storeTimeout, serializer } = options;
  if (enabled !== undefined && typeof enabled !== 'boolean') {
    throw wrong(
      `enabled of forRoot is ${shown(enabled)}`,
      'It must be true or false, and no string from the environment',
    );
  }
  refuseConnection('connection', connection);
  if (options.telemetry !== undefined && !(isObject(options.telemetry) && 'tracer' in options.telemetry)) {
    throw wrong(
      `telemetry of forRoot is ${shown(options.telemetry)}`,
      "Give BullMQ's, such as new BullMQOtel('my-app')",
    );
  }
  validateHomes(options);
  if (options.worker !== undefined) validateWorker(options.worker, connection !== undefined);
  if (options.maxWaiting !== undefined && !isCount(options.maxWaiting)) {
    throw wrong(`maxWaiting of forRoot is ${shown(options.maxWaiting)}`, 'It must be a whole number of 1 or more');
  }
  if (prefix !== undefined && (typeof prefix !== 'string' || prefix === '')) {
    throw wrong(`prefix of forRoot is ${shown(prefix)}`, 'Leave it out, or write a name');
  }
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw wrong(`name of forRoot is ${shown(name)}`, 'Leave it out, or write the name of the application');
  }
  if (storeTimeout !== undefined && toPeriod(storeTimeout, 'storeTimeout', 'forRoot') === 0) {
    throw wrong(`storeTimeout of forRoot is ${shown(storeTimeout)}`, 'It must be longer than zero');
  }
  if (serializer !== undefined && !(has(serializer, 'encode') && has(serializer, 'decode'))) {
    throw wrong('serializer of forRoot is no codec', 'It must have encode(value) and decode(bytes)');
  }
  if (options.types !== undefined && !Array.isArray(options.types)) {
    throw wrong(`types of forRoot is ${shown(options.types)}`, 'Give a list of classes, such as [User]');
  }
  const { context, compress } = options;
  if (compress !== undefined) {
    if (!isObject(compress)) throw wrong(`compress of forRoot is ${shown(compress)}`, "Give { above: '10KB' }");
    toBytes(compress.above, 'compress.above', 'forRoot');
    if (serializer !== undefined) {
      throw wrong('forRoot has compress and serializer', 'Compress in your own serializer, or leave it out');
    }
  }
  if (context !== undefined && !(has(context, 'capture') && has(context, 'run'))) {
    throw wrong(`context of forRoot is ${shown(context)}`, 'Give { capture: () => …, run: (captured, fetch) => … }');
  }
  if (options.near !== undefined) validateNear(options.near);
  validateDefaults(options.defaults ?? {});
  return options;
}

/** Whether `stores` is that of `@nestjs/cache-manager`, and not a record of further stores by name. */
export function isKeyvStores(stores: AsyncCacheOptions['stores']): boolean {
  return Array.isArray(stores) || has(stores, 'get');
}

function refuseUnknown(options: AsyncCacheOptions): void {
  for (const name of Object.keys(options)) {
    if (name in OPTIONS) continue;
    const remedy =
      name === 'isGlobal'
        ? 'Write it beside useFactory, not in what that returns'
        : `The options are: ${Object.keys(OPTIONS).join(', ')}`;
    throw wrong(`forRoot has an option '${name}', which does not exist`, remedy);
  }
}

function validateHomes({ store, stores, cache }: AsyncCacheOptions): void {
  const byName = isKeyvStores(stores) ? undefined : stores;
  const homes = Object.entries({ store, stores: byName === undefined ? stores : undefined, cache });
  const said = homes.filter(([, home]) => home !== undefined).map(([name]) => name);
  if (said.length > 1) throw wrong(`forRoot has ${said.join(' and ')}`, 'Say once where entries live');
  if (store !== undefined) validateStore('store', store);
  if (byName === undefined) return;
  if (!isObject(byName)) throw wrong(`stores of forRoot is ${shown(byName)}`, 'Give Keyv stores, or stores by name');
  for (const [name, named] of Object.entries(byName)) {
    validateStore(`stores.${name}`, named as StoreOptions);
  }
}

function validateStore(option: string, store: StoreOptions): void {
  const homes = isObject(store) ? Object.entries(store).filter(([, home]) => home !== undefined) : [];
  const [name, ...others] = new Set(homes.map(([option]) => (option === 'maxBytes' ? 'max' : option)));
  const known = ['connection', 'stores', 'cache', 'max'].includes(name ?? '');
  if (!known || others.length > 0) {
    throw wrong(
      `${option} of forRoot has ${homes.map(([home]) => home).join(' and ') || shown(store)}`,
      'Say where these entries live: { connection }, { stores }, { cache } or { max, maxBytes }',
    );
  }
  refuseConnection(`${option}.connection`, store.connection);
  if (store.maxBytes !== undefined) validateMaxBytes(`${option}.maxBytes`, store.maxBytes);
  if (store.max !== undefined && !isCount(store.max)) {
    throw wrong(`${option}.max of forRoot is ${shown(store.max)}`, 'It must be a whole number of 1 or more');
  }
}

function validateWorker(worker: false | WorkerOptions, hasQueue: boolean): void {
  if (worker === false) {
    if (hasQueue) return;
    throw wrong(
      'forRoot has worker: false and no connection, so nobody would refresh',
      'Add the connection of the refresh queue, or leave worker out',
    );
  }
  if (!isObject(worker)) throw wrong(`worker of forRoot is ${shown(worker)}`, 'Write false, or { concurrency }');
  const { concurrency, limiter } = worker;
  if (concurrency !== undefined && !isCount(concurrency)) {
    throw wrong(`worker.concurrency is ${shown(concurrency)}`, 'It must be a whole number of 1 or more');
  }
  if (limiter === undefined) return;
  if (!hasQueue) throw wrong('forRoot has worker.limiter and no connection', 'Only the BullMQ queue has a limiter');
  if (!isObject(limiter) || !isCount(limiter.max) || !isCount(limiter.duration)) {
    throw wrong(
      `worker.limiter is ${shown(limiter)}`,
      'Write { max, duration }: whole numbers, the second milliseconds',
    );
  }
}

function validateNear(near: false | NearOptions): void {
  if (near === false) return;
  if (!isObject(near)) throw wrong(`near of forRoot is ${shown(near)}`, 'Write false, or { max, maxBytes, age }');
  if (near.max !== undefined && !isCount(near.max)) {
    throw wrong(`near.max of forRoot is ${shown(near.max)}`, 'It must be a whole number of 1 or more');
  }
  if (near.maxBytes !== undefined) validateMaxBytes('near.maxBytes', near.maxBytes);
  if (near.age !== undefined) toPeriod(near.age, 'near.age', 'forRoot');
}

function validateMaxBytes(option: string, maxBytes: unknown): void {
  if (toBytes(maxBytes, option, 'forRoot') > 0) return;
  throw wrong(`${option} of forRoot is ${shown(maxBytes)}`, "It must be more than zero, such as '64MB'");
}

function validateDefaults(defaults: NonNullable<AsyncCacheOptions['defaults']>): void {
  const wrongName = OF_ONE_JOB.find((name) => name in defaults);
  if (wrongName !== undefined) {
    throw wrong(`defaults of forRoot has ${wrongName}`, 'It would be the same for every job: set it on the job');
  }
  compilePolicy('defaults of forRoot', defaults);
}

function refuseConnection(option: string, connection: unknown): void {
  if (connection === undefined) return;
  if (isObject(connection)) {
    refuseKeyPrefix(option, connection as ConnectionLike);
    return;
  }
  throw wrong(
    // The value is not shown, because it may contain a password.
    `${option} of forRoot is a ${typeof connection}`,
    `Write { host, port } or { url: 'redis://…' }, or give an ioredis instance`,
  );
}

/** The options of a connection, or a client of ioredis: a single server's or a Cluster's. */
interface ConnectionLike {
  readonly keyPrefix?: unknown;
  readonly redisOptions?: { readonly keyPrefix?: unknown };
  readonly options?: Omit<ConnectionLike, 'options'>;
}

/** BullMQ works with none, and the names that Redis reports as changed would not be those of the entries. */
function refuseKeyPrefix(option: string, { options, ...own }: ConnectionLike): void {
  const { keyPrefix, redisOptions } = options ?? own;
  const given = [keyPrefix, redisOptions?.keyPrefix].filter((each) => typeof each === 'string').find(Boolean);
  if (given === undefined) return;
  throw wrong(
    `${option} of forRoot has the keyPrefix ${shown(given)}`,
    `Take it out of the connection, and write prefix: ${shown(given.replace(/:$/, ''))} in forRoot instead`,
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1;
}

function has(value: unknown, method: string): boolean {
  return typeof (value as Partial<Record<string, unknown>> | null | undefined)?.[method] === 'function';
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : inspect(value, { depth: 1, breakLength: Infinity });
}

function wrong(what: string, remedy: string): ConfigurationError {
  return new ConfigurationError(what, remedy);
}
