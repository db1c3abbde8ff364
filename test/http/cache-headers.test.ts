import {
  Controller,
  Get,
  Header,
  Injectable,
  NotFoundException,
  Param,
  Post,
  Redirect,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { AsyncCache, AsyncCached, type AsyncCacheOptions } from 'nestjs-async-cache';
import { CacheHeaders, CacheHeadersInterceptor } from 'nestjs-async-cache/http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from './support/create-app.js';

@Injectable()
class Parts {
  @AsyncCached({ ttl: 60, grace: 100 })
  async part(name: string): Promise<string> {
    return name;
  }

  @AsyncCached({ ttl: 30, grace: 10 })
  async brief(): Promise<string> {
    return 'brief';
  }

  @AsyncCached({ ttl: 60, grace: 100 })
  async whole(): Promise<string> {
    return `whole of ${await this.brief()}`;
  }

  @AsyncCached({ ttl: 60, onError: () => ({ ttl: 60 }) })
  async missing(): Promise<string> {
    throw new NotFoundException();
  }
}

@Controller()
@UseInterceptors(CacheHeadersInterceptor)
class Pages {
  constructor(private readonly parts: Parts) {}

  @Get('one/:name')
  async one(@Param('name') name: string): Promise<string> {
    return this.parts.part(name);
  }

  @Get('route/:name')
  @AsyncCached({ ttl: 60, grace: 100 })
  async route(@Param('name') name: string): Promise<string> {
    return name;
  }

  @Get('several')
  async several(): Promise<string[]> {
    return Promise.all([this.parts.part('a'), this.parts.brief()]);
  }

  @Get('nested')
  async nested(): Promise<string> {
    return this.parts.whole();
  }

  @Get('public')
  @CacheHeaders({ scope: 'public', staleIfError: '1h' })
  async public(): Promise<string> {
    return this.parts.part('public');
  }

  @Get('own')
  @Header('Cache-Control', 'no-store')
  async own(): Promise<string> {
    return this.parts.part('own');
  }

  @Get('none')
  none(): string {
    return 'none';
  }

  @Get('fails')
  async fails(): Promise<string> {
    await this.parts.part('fails');
    throw new NotFoundException();
  }

  @Get('remembered')
  async remembered(): Promise<string> {
    return this.parts.missing().catch(() => 'nothing');
  }

  @Get('redirect')
  @Redirect('/one/a')
  async redirect(): Promise<void> {
    await this.parts.part('redirect');
  }

  @Get('sent')
  async sent(@Res() response: { send(text: string): void }): Promise<void> {
    response.send(await this.parts.part('sent'));
  }

  @Post('one/:name')
  async write(@Param('name') name: string): Promise<string> {
    return this.parts.part(name);
  }
}

type Headers = readonly [control: string | null, age: string | null, status: string | null];
const NONE: Headers = [null, null, null];

describe.each(['Express', 'Fastify'] as const)('on %s', (platform) => {
  async function start(options: AsyncCacheOptions = {}, more: object = {}) {
    const { app, clock } = await createApp(platform, { options, providers: [Parts], controllers: [Pages], ...more });
    await app.listen(0, '127.0.0.1');
    onTestFinished(() => app.close());
    const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
    const read = async (path: string, method = 'GET'): Promise<Headers> => {
      const { headers } = await fetch(`${url}/${path}`, { method, redirect: 'manual' });
      return [headers.get('cache-control'), headers.get('age'), headers.get('cache-status')];
    };
    const pass = (seconds: number) => clock.advance(seconds * 1_000);
    return { read, pass, cache: app.get(AsyncCache), parts: app.get(Parts) };
  }

  it.each(['one', 'route'])('a miss, a hit and a stale value (%s)', async (kind) => {
    const { read, pass } = await start();
    const of = (maxAge: number, grace: number) =>
      `private, max-age=${String(maxAge)}, stale-while-revalidate=${String(grace)}, stale-if-error=${String(grace)}`;
    expect(await read(`${kind}/a`)).toEqual([of(60, 100), '0', 'nestjs-async-cache; fwd=miss; stored; ttl=60']);
    await pass(20);
    expect(await read(`${kind}/a`)).toEqual([of(60, 100), '20', 'nestjs-async-cache; hit; ttl=40']);
    await pass(50);
    expect(await read(`${kind}/a`, 'HEAD')).toEqual([of(70, 90), '70', 'nestjs-async-cache; hit; ttl=-10']);
  });

  it('several reads at once: the oldest, the shortest, the least good', async () => {
    const { read, pass, parts } = await start();
    await parts.part('a');
    await pass(10);
    expect(await read('several')).toEqual([
      'private, max-age=40, stale-while-revalidate=10, stale-if-error=10',
      '10',
      'nestjs-async-cache; fwd=miss; stored; ttl=30',
    ]);
  });

  it('what is read inside a fetch is a part of what that makes', async () => {
    const { read, pass, parts } = await start();
    await parts.brief();
    await pass(20);
    expect(await read('nested')).toEqual([
      'private, max-age=80, stale-while-revalidate=100, stale-if-error=100',
      '20',
      'nestjs-async-cache; fwd=miss; stored; ttl=60',
    ]);
  });

  it('two requests at once do not share their reads', async () => {
    const { read, pass, parts } = await start();
    await parts.part('old');
    await pass(30);
    const [old, young] = await Promise.all([read('one/old'), read('one/young')]);
    expect([old[1], young[1]]).toEqual(['30', '0']);
  });

  it('what a route says of itself', async () => {
    const { read } = await start();
    expect((await read('public'))[0]).toBe('public, max-age=60, stale-while-revalidate=100, stale-if-error=3600');
    expect(await read('own')).toEqual(['no-store', null, null]);
  });

  it.each(['none', 'fails', 'remembered', 'redirect', 'sent'])('none of them for %s', async (path) => {
    const { read } = await start();
    expect(await read(path)).toEqual(NONE);
    expect(await read(path)).toEqual(NONE);
  });

  it('none for another method, and with enabled: false', async () => {
    const { read } = await start();
    expect(await read('one/a', 'POST')).toEqual(NONE);
    const off = await start({ enabled: false });
    expect(await off.read('one/a')).toEqual(NONE);
  });

  it('for the whole application', async () => {
    @Controller('global')
    class Global {
      constructor(private readonly parts: Parts) {}
      @Get()
      async one(): Promise<string> {
        return this.parts.part('global');
      }
    }
    const { read } = await start(
      {},
      { controllers: [Global], providers: [Parts, { provide: APP_INTERCEPTOR, useClass: CacheHeadersInterceptor }] },
    );
    expect((await read('global'))[1]).toBe('0');
  });
});

describe('@CacheHeaders', () => {
  it('refuses what is no scope and no duration', () => {
    expect(() => CacheHeaders({ scope: 'shared' as 'public' })).toThrow(/'private' or 'public'/);
    expect(() => CacheHeaders({ staleIfError: 'soon' as '1s' })).toThrow(/staleIfError/);
  });
});
