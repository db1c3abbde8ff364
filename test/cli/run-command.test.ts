import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { Test } from '@nestjs/testing';
import { AsyncCache, AsyncCacheJob, AsyncCacheModule } from 'nestjs-async-cache';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runCommand } from '../../lib/cli/run-command.js';

class Quotes extends AsyncCacheJob {
  ttl = '1h';
  tags = ['market'];
  async fetch(symbol: string): Promise<{ symbol: string; secret: string }> {
    return { symbol, secret: `<${symbol}>` };
  }
}

const url = inject('redisUrl');
const prefix = `cli-${Math.random().toString(36).slice(2)}`;
const redis = new Redis(url);
let close: () => Promise<void>;
let quotes: Quotes;
let cache: AsyncCache;

beforeAll(async () => {
  const app = await Test.createTestingModule({
    imports: [AsyncCacheModule.forRoot({ connection: { url }, prefix, name: 'shop', near: false })],
    providers: [Quotes],
  })
    .setLogger({ log: () => undefined, error: () => undefined, warn: () => undefined })
    .compile();
  await app.init();
  close = () => app.close();
  quotes = app.get(Quotes);
  cache = app.get(AsyncCache);
});

afterAll(async () => {
  await cache.clear();
  await close();
  redis.disconnect();
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...argv: string[]): Promise<Ran> {
  const lines = { out: [] as string[], err: [] as string[] };
  const code = await runCommand([...argv, '--redis', url, '--prefix', prefix], {
    out: (line) => lines.out.push(line),
    err: (line) => lines.err.push(line),
    env: {},
  });
  return { code, out: lines.out.join('\n'), err: lines.err.join('\n') };
}

/** Everything that is stored for the cache's entries, so that a command that writes is noticed. */
async function stored(): Promise<unknown> {
  const names = (await redis.keys(`${prefix}:[a-z]:*`)).sort();
  return Promise.all(names.map(async (name) => [name, (await redis.dumpBuffer(name)).toString('base64')]));
}

describe('what looks', () => {
  it('explain says why a key has its value, and shows the value only when asked', async () => {
    await quotes.get('ACME');
    const plain = await run('explain', 'Quotes:"ACME"');
    expect(plain).toMatchObject({ code: 0, err: '' });
    expect(plain.out).toContain('Quotes:"ACME" is fresh.');
    expect(plain.out).toContain('Its tags are market.');
    expect(plain.out).not.toContain('<ACME>');
    expect((await run('explain', 'Quotes:"ACME"', '--value')).out).toContain('<ACME>');
    const { out } = await run('explain', 'Quotes:"ACME"', '--json');
    expect(JSON.parse(out)).toMatchObject({
      job: 'Quotes',
      status: 'fresh',
      tags: ['market'],
      failures: 0,
      workers: 1,
    });
    expect(out).not.toContain('<ACME>');
    expect((await run('explain', 'Quotes:"NONE"')).out).toContain('is absent');
  });

  it('keys prints the keys that begin so, and jobs who works on what', async () => {
    await Promise.all(['A', 'AB', 'B'].map((symbol) => quotes.get(symbol)));
    const { out } = await run('keys', 'Quotes:"A');
    expect(out.split('\n').sort()).toEqual(
      ['Quotes:"A"', 'Quotes:"AB"', 'Quotes:"ACME"'].filter((key) => out.includes(key)).sort(),
    );
    expect(out).toContain('Quotes:"AB"');
    expect(out).not.toContain('Quotes:"B"');
    const few = await run('keys', '--limit', '1');
    expect(few.out.split('\n')).toHaveLength(1);
    expect(few.err).toContain('There are more');
    await expect
      .poll(async () => (await run('jobs')).out)
      .toMatch(new RegExp(`shop on .*process ${String(process.pid)}:\n  Quotes`));
  });

  it('writes nothing, not even over what it cannot read', async () => {
    await quotes.get('odd');
    await redis.hset(`${prefix}:e:{Quotes:"odd"}`, 'v', 'foreign bytes');
    const before = await stored();
    expect((await run('explain', 'Quotes:"odd"', '--value')).out).toContain('another serializer');
    await redis.hset(`${prefix}:e:{Quotes:"worse"}`, 'h', 'no header');
    expect(await run('explain', 'Quotes:"worse"')).toMatchObject({ code: 1 });
    await redis.del(`${prefix}:e:{Quotes:"worse"}`);
    await run('keys');
    await run('jobs');
    expect(await stored()).toEqual(before);
    // Control: a read by the application removes what it cannot read, and this test sees that.
    await quotes.peek('odd');
    await expect.poll(stored).not.toEqual(before);
  });

  it('shows control characters as codes', async () => {
    const evil = '\u001b[2J\u202e\r';
    await quotes.get(evil);
    const { out } = await run('keys', 'Quotes:');
    expect(out).not.toMatch(/[\u001b\u202e\r]/);
    await cache.jobs()[0]!.delete(evil);
  });
});

describe('what writes', () => {
  it('does so only with --yes', async () => {
    await quotes.get('W');
    const before = await stored();
    for (const command of [['invalidate', 'Quotes:"W"'], ['delete', 'Quotes:"W"'], ['clear']]) {
      const { code, err } = await run(...command);
      expect(code).toBe(2);
      expect(err).toContain('--yes');
    }
    expect(await stored()).toEqual(before);
    expect((await run('invalidate', 'Quotes:"W"', '--yes')).out).toContain('stale');
    expect(await quotes.peek('W')).toMatchObject({ status: 'stale' });
    expect((await run('delete', 'Quotes:"W"', '--yes')).out).toBe('removed');
    expect(await quotes.peek('W')).toBeUndefined();
    expect((await run('delete', 'Quotes:"W"', '--yes')).out).toContain('no value');
    await quotes.get('W');
    expect((await run('invalidate', '--tag', 'market', '--yes')).code).toBe(0);
    expect(await quotes.peek('W')).toMatchObject({ status: 'stale' });
    expect((await run('clear', '--yes')).code).toBe(0);
    expect((await run('keys')).out).toBe('');
  });
});

describe('mistakes', () => {
  it.each([
    [['explane', 'x'], 'There is no command explane'],
    [['constructor'], 'There is no command constructor'],
    [['explain'], 'Say which key'],
    [['explain', 'a', 'b'], 'into quotes'],
    [['keys', '--limit', 'x'], '--limit is x'],
    [['keys', '--colour'], "Unknown option '--colour'"],
  ])('%j is refused with what to write', async (argv, message) => {
    const { code, err } = await run(...argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('a Redis that is away or refuses is named without its password', async () => {
    const lines: string[] = [];
    const around = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line), env: {} };
    expect(await runCommand(['keys', '--redis', 'redis://me:s3cr%2Ft@127.0.0.1:1'], around)).toBe(1);
    expect(await runCommand(['keys', '--redis', url.replace('://', '://me:s3cr%2Ft@')], around)).toBe(1);
    expect(await runCommand(['keys', '--redis', 'me:s3cr/t@nowhere:x'], around)).toBe(1);
    expect(await runCommand(['keys'], around)).toBe(2);
    expect(lines).toHaveLength(4);
    expect(lines.slice(0, 2).join('\n')).not.toMatch(/s3cr/);
  });
});

it('is the command of the package', () => {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  expect(execFileSync(process.execPath, [main, '--help'], { encoding: 'utf8' })).toContain('Usage: nestjs-async-cache');
  const env = { ...process.env, REDIS_URL: url };
  expect(execFileSync(process.execPath, [main, 'keys', '--prefix', `${prefix}-none`], { encoding: 'utf8', env })).toBe(
    '',
  );
});
