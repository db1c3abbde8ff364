// `npm run fuzz -- --minutes 10`: mutated bytes, entries, items and requests, which must be read or be refused as corrupt,
// soon; then leases, indexes, stamps and entries on a Redis of its own, where there is a redis-server on the PATH. `--seed N`
// replays the one input that was printed with a finding. Needs a build.
import { parseArgs } from 'node:util';
import { decodePayload, encodePayload } from '../../dist/bullmq/refresh-payload.js';
import { readEntryItem } from '../../dist/cache-manager/entry-item.js';
import { readFailureItem } from '../../dist/cache-manager/failure-item.js';
import { readStamp } from '../../dist/cache-manager/stamp.js';
import { CorruptEntryError } from '../../dist/core/errors.js';
import { copyPortable, copyUnshared } from '../../dist/core/value/portable.js';
import { freezeShareable } from '../../dist/core/value/freeze.js';
import { NO_TYPES } from '../../dist/core/value/value-types.js';
import { CompressingCodec, MsgpackrCodec } from '../../dist/msgpackr/index.js';
import { decodeEntry } from '../../dist/redis/stored-format.js';
import { startHostileServer } from './hostile-server.mjs';

/** Milliseconds that one input of a few kilobytes may take. */
const SLOW = 500;
const LONGEST = 15_000;

const { values: given } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
});
const codec = new CompressingCodec(new MsgpackrCodec(), 500);

const shared = { a: 1 };
const list = [
  shared,
  shared,
  new Date(0),
  new Map([[{ k: 1 }, new Set([1, 'b'])]]),
  Buffer.from('abc'),
  5n,
  NaN,
  undefined,
];
const VALUES = [
  1,
  'text $date 0',
  list,
  Object.assign(new TypeError('boom', { cause: shared }), { code: 'E', list }),
  { [Symbol.for('gt')]: 5, url: new URL('http://a/b?c'), re: /a(b)/gu, ref: list },
  Array.from({ length: 100 }, (_, id) => ({ id, name: `User ${id}`, tags: ['a', 'b'], at: new Date(id) })),
  'x'.repeat(2_000),
];
const SPLICES = [
  '[',
  ']',
  '{"a":',
  '"$ref 0"',
  '"$ref 1"',
  '["$error","Error","",',
  '"$date "',
  '$hole',
  '["$map",',
  '"$url ',
  '9'.repeat(400),
  ' ',
  '.',
  '\ud800',
  '1e999',
  'null',
];

/** A generator of numbers below a limit, the same for each seed. */
function randomOf(seed) {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function mutated(bytes, random) {
  let result = Buffer.from(bytes);
  for (let times = 1 + random(6); times > 0; times--) {
    const at = random(result.length + 1);
    const end = at + random(Math.min(200, result.length - at + 1));
    const [before, piece, after] = [result.subarray(0, at), result.subarray(at, end), result.subarray(end)];
    const kind = random(5);
    if (kind === 0 && at < result.length) result[at] = random(256);
    else if (kind === 1) result = Buffer.concat([before, after]);
    else if (kind === 2) result = Buffer.concat([before, ...Array(random(20)).fill(piece), after]);
    else if (kind === 3) result = Buffer.concat([before, Buffer.from(SPLICES[random(SPLICES.length)]), after]);
    else result = Buffer.concat([before, Buffer.from(SPLICES[random(SPLICES.length)].repeat(random(500))), after]);
  }
  return result;
}

/** What a reader does with a value. */
function readAll(value) {
  copyPortable(value, NO_TYPES);
  freezeShareable(value, NO_TYPES);
  copyUnshared(value, NO_TYPES);
  if (value instanceof Error) String(value);
}

function assertTimes(entry) {
  for (const name of ['storedAt', 'freshUntil', 'grace', 'inheritedAge']) {
    if (!Number.isFinite(entry?.[name] ?? 0)) throw new Error(`${name} is ${entry[name]}`);
  }
}

/** Rejects when it takes so long that it will not end. */
async function settled(running) {
  let timer;
  const hangs = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('it does not end')), LONGEST);
  });
  await Promise.race([running, hangs]);
  clearTimeout(timer);
}

const text = (written, random) => mutated(Buffer.from(written), random).toString();
const KINDS = {
  bytes: (random, value) => readAll(codec.decode(mutated(codec.encode(value), random))),
  hashes: (random, value) => {
    const header = mutated(Buffer.from('1 value 1000.000 2000.000 500.000 token ["tag","b"]'), random);
    const entry = decodeEntry(
      [header, codec.encode(value), mutated(Buffer.from('2 1.0 2.0 boom'), random)],
      codec,
      'key',
    );
    assertTimes(entry);
    if (entry?.tags.some((tag) => typeof tag !== 'string')) throw new Error('a tag that is no text');
  },
  items: (random) => assertTimes(readEntryItem(text('entry/1 ["value",1,2,3,"g",["t"],[0,0,5],7,8]\nbody', random))),
  failures: (random) => readFailureItem(text('failure/1 [1,"boom",1,2,"g",0,0,99]', random)),
  stamps: (random) => readStamp(text('stamp/1 5 0 5', random)),
  requests: (random, value) => {
    const request = {
      job: 'J',
      key: 'J:1',
      generation: '',
      args: [value],
      others: [{ key: 'J:2', generation: '', args: [value] }],
    };
    const payload = encodePayload(request, codec);
    const part = ['args', 'others', 'job', 'v'][random(4)];
    const changed =
      part === 'v' || part === 'job'
        ? [null, {}, [], Infinity, -1][random(5)]
        : mutated(Buffer.from(payload[part], 'base64'), random).toString('base64');
    decodePayload({ ...payload, [part]: changed }, codec);
  },
};

const server = await startHostileServer(mutated);
if (server === undefined) console.log('No redis-server on the PATH: leases and indexes are left out.');
else KINDS.server = (random) => server.attack(random);

const counts = {};
let findings = 0;
let slowest = 0;
const end = Date.now() + Number(given.minutes) * 60_000;
const rss = process.memoryUsage().rss;
for (
  let seed = Number(given.seed ?? 0);
  given.seed === undefined ? Date.now() < end : seed === Number(given.seed);
  seed++
) {
  for (const [kind, run] of Object.entries(KINDS)) {
    const random = randomOf(seed);
    const startedAt = performance.now();
    try {
      await settled(run(random, VALUES[random(VALUES.length)]));
    } catch (error) {
      if (!(error instanceof CorruptEntryError)) {
        findings++;
        console.error(`--seed ${seed} (${kind}):`, error);
      }
    }
    const took = performance.now() - startedAt;
    slowest = Math.max(slowest, took);
    // On the server one input is dozens of operations.
    if (took > (kind === 'server' ? 20 : 1) * SLOW) {
      findings++;
      console.error(`--seed ${seed} (${kind}): took ${Math.round(took)} ms`);
    }
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
}
await server?.stop();
const grown = Math.round((process.memoryUsage().rss - rss) / 1e6);
console.log(
  `${JSON.stringify(counts)} inputs, slowest ${slowest.toFixed(1)} ms, RSS grown by ${grown} MB, ${findings} findings`,
);
process.exitCode = findings === 0 ? 0 : 1;
