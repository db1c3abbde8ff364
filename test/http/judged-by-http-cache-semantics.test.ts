import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Controller, Get, Injectable, NotFoundException, Post, UseInterceptors } from '@nestjs/common';
import CachePolicy from 'http-cache-semantics';
import { AsyncCached, type AsyncCacheOptions } from 'nestjs-async-cache';
import { CacheHeaders, CacheHeadersInterceptor } from 'nestjs-async-cache/http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApp, type Platform } from './support/create-app.js';

/** Milliseconds since the response, for the policy that is being asked. */
let passed = 0;

/** An HTTP cache's view of one response, at a time that the test says. */
class Judge extends CachePolicy {
  /** Missing in the package's types. */
  declare useStaleWhileRevalidate: () => boolean;

  now(): number {
    return 1_800_000_000_000 + passed;
  }
}

@Injectable()
class Parts {
  @AsyncCached({ ttl: 60, grace: 100 })
  async part(): Promise<string> {
    return 'part';
  }

  @AsyncCached({ ttl: 30, grace: 10 })
  async brief(): Promise<string> {
    return 'brief';
  }
}

@Controller()
class Pages {
  constructor(private readonly parts: Parts) {}

  @Get('part')
  @UseInterceptors(CacheHeadersInterceptor)
  async part(): Promise<string> {
    return this.parts.part();
  }

  @Get('brief')
  async brief(): Promise<string> {
    return this.parts.brief();
  }

  @Get('both')
  @UseInterceptors(CacheHeadersInterceptor)
  async both(): Promise<string[]> {
    return Promise.all([this.parts.part(), this.parts.brief()]);
  }

  @Get('public')
  @UseInterceptors(CacheHeadersInterceptor)
  @CacheHeaders({ scope: 'public', staleIfError: '1h' })
  async public(): Promise<string> {
    return this.parts.part();
  }

  @Get('fails')
  @UseInterceptors(CacheHeadersInterceptor)
  async fails(): Promise<string> {
    await this.parts.part();
    throw new NotFoundException();
  }

  @Get('no-read')
  @UseInterceptors(CacheHeadersInterceptor)
  noRead(): string {
    return 'nothing was read';
  }

  @Get('no-interceptor')
  async noInterceptor(): Promise<string> {
    return this.parts.part();
  }

  @Post('part')
  @UseInterceptors(CacheHeadersInterceptor)
  async write(): Promise<string> {
    return this.parts.part();
  }
}

async function start(platform: Platform, options: AsyncCacheOptions = {}) {
  const { app, clock } = await createApp(platform, { options, providers: [Parts], controllers: [Pages] });
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  // Not `fetch`, which adds `Cache-Control: no-cache` to conditional requests.
  const ask = async (path: string, { method = 'GET', headers = {} }: Partial<CachePolicy.HttpRequest> = {}) => {
    const sent = request(`${url}/${path}`, { method, headers, agent: false }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return { status: response.statusCode ?? 0, headers: response.headers };
  };
  const judge = async (path: string, { shared = false, method = 'GET' } = {}): Promise<Judge> => {
    passed = 0;
    return new Judge(requestOf(path, method), await ask(path, { method }), { shared });
  };
  return { ask, judge, pass: (seconds: number) => clock.advance(seconds * 1_000) };
}

function requestOf(path: string, method = 'GET'): CachePolicy.HttpRequest {
  return { url: `/${path}`, method, headers: { host: 'localhost' } };
}

/** What the judge says after so many seconds: fresh, stale and usable while it revalidates, or of no use. */
function verdict(policy: Judge, path: string, seconds: number): 'fresh' | 'stale' | 'useless' {
  passed = seconds * 1_000;
  const { response, revalidation } = policy.evaluateRequest(requestOf(path));
  expect(policy.satisfiesWithoutRevalidation(requestOf(path))).toBe(revalidation === undefined);
  if (response === undefined) return 'useless';
  expect(policy.useStaleWhileRevalidate()).toBe(true);
  return revalidation === undefined ? 'fresh' : 'stale';
}

interface Row {
  readonly path: string;
  /** Seconds from the fill to the request, of what the page reads; undefined: nothing is filled. */
  readonly filledBefore: Readonly<Record<string, number>>;
  readonly age: number;
  /** Seconds that a cache may use the response from now on, without asking. */
  readonly fresh: number;
  /** And then while it asks. */
  readonly stale: number;
  /** And while the application fails. *Default:* `stale`. */
  readonly staleIfError?: number;
}

const ROWS: Readonly<Record<string, Row>> = {
  'a miss': { path: 'part', filledBefore: {}, age: 0, fresh: 60, stale: 100 },
  'a hit at age 20': { path: 'part', filledBefore: { part: 20 }, age: 20, fresh: 40, stale: 100 },
  'a stale value at age 70': { path: 'part', filledBefore: { part: 70 }, age: 70, fresh: 0, stale: 90 },
  'a hit with 40 s left and one with 5 s left': {
    path: 'both',
    filledBefore: { brief: 25, part: 20 },
    age: 25,
    fresh: 5,
    stale: 10,
  },
  'a public miss that may be stale for an hour on errors': {
    path: 'public',
    filledBefore: {},
    age: 0,
    fresh: 60,
    stale: 100,
    staleIfError: 3_600,
  },
};

describe.each(['Express', 'Fastify'] as const)('as http-cache-semantics judges, on %s', (platform) => {
  it.each(Object.entries(ROWS))('%s', async (_, row) => {
    const { path, filledBefore, age, fresh, stale, staleIfError = stale } = row;
    const { ask, judge, pass } = await start(platform);
    let ahead = 0;
    for (const [part, before] of Object.entries(filledBefore)) {
      if (ahead > 0) await pass(ahead - before);
      await ask(part);
      ahead = before;
    }
    await pass(ahead);
    const policy = await judge(path);

    expect(policy.age()).toBe(age);
    expect(policy.timeToLive()).toBe((fresh + Math.max(stale, staleIfError)) * 1_000);
    const edges = [0, fresh - 1, fresh, fresh + stale - 1, fresh + stale].filter((seconds) => seconds >= 0);
    expect(edges.map((seconds) => verdict(policy, path, seconds))).toEqual(
      edges.map((seconds) => (seconds < fresh ? 'fresh' : seconds < fresh + stale ? 'stale' : 'useless')),
    );
    passed = (fresh + staleIfError) * 1_000;
    expect(policy.timeToLive()).toBe(0);
  });

  it.each(['fails', 'no-read', 'no-interceptor'])('nothing may be used again of %s: the control', async (path) => {
    const { judge } = await start(platform);
    const policy = await judge(path);
    expect(policy.timeToLive()).toBe(0);
    expect(verdict(policy, path, 0)).toBe('useless');
  });

  it('nothing may be used again of a POST, or with `enabled: false`', async () => {
    const posted = await (await start(platform)).judge('part', { method: 'POST' });
    expect(posted.storable()).toBe(false);
    const off = await (await start(platform, { enabled: false })).judge('part');
    expect(verdict(off, 'part', 0)).toBe('useless');
  });

  it('a shared cache stores what is public and nothing else', async () => {
    const { judge } = await start(platform);
    const [own, shared] = [await judge('part', { shared: true }), await judge('public', { shared: true })];
    expect([own.storable(), shared.storable()]).toEqual([false, true]);
    const asked = [own.satisfiesWithoutRevalidation(requestOf('part')), verdict(shared, 'public', 0)];
    expect(asked).toEqual([false, 'fresh']);
  });

  it(`revalidation ${platform === 'Express' ? 'by the ETag of Express renews the response' : 'without an ETag is a new response'}`, async () => {
    const { ask, judge, pass } = await start(platform);
    const policy = await judge('part');
    // The entry is aged to its last second, and the response is stale.
    await pass(59);
    passed = 60_000;
    const headers = policy.revalidationHeaders(requestOf('part'));
    const answer = await ask('part', { headers });
    expect([headers['if-none-match'] !== undefined, answer.status]).toEqual(
      platform === 'Express' ? [true, 304] : [false, 200],
    );
    const renewed = policy.revalidatedPolicy({ ...requestOf('part'), headers }, answer);
    expect(renewed.modified).toBe(platform === 'Fastify');
    expect([renewed.policy.age(), renewed.policy.maxAge()]).toEqual([59, 60]);
  });
});
