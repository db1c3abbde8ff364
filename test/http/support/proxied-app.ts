import { Controller, Get, Injectable, type NestMiddleware, UseInterceptors } from '@nestjs/common';
import { AsyncCache, AsyncCached } from 'nestjs-async-cache';
import { CacheHeaders, CacheHeadersInterceptor } from 'nestjs-async-cache/http';
import { createApp, type Platform } from './create-app.js';

/** Short, because the cache in front has a real clock. Seconds. */
export const TTL = 2;

@Injectable()
class Prices {
  /** What the origin says now. */
  price = 1;

  @AsyncCached({ ttl: TTL, grace: 60 })
  async usual(): Promise<{ price: number }> {
    return { price: this.price };
  }

  @AsyncCached({ ttl: TTL, grace: 0 })
  async neverStale(): Promise<{ price: number }> {
    return { price: this.price };
  }

  @AsyncCached({ ttl: TTL, grace: TTL })
  async brieflyStale(): Promise<{ price: number }> {
    return { price: this.price };
  }

  @AsyncCached({ ttl: 600, grace: 60 })
  async long(): Promise<{ price: number }> {
    return { price: this.price };
  }
}

@Controller()
class Pages {
  constructor(private readonly prices: Prices) {}

  @Get('public')
  @UseInterceptors(CacheHeadersInterceptor)
  @CacheHeaders({ scope: 'public' })
  async public() {
    return this.prices.usual();
  }

  @Get('private')
  @UseInterceptors(CacheHeadersInterceptor)
  async private() {
    return this.prices.usual();
  }

  @Get('no-interceptor')
  async noInterceptor() {
    return this.prices.usual();
  }

  @Get('never-stale')
  @UseInterceptors(CacheHeadersInterceptor)
  @CacheHeaders({ scope: 'public' })
  async neverStale() {
    return this.prices.neverStale();
  }

  @Get('stale-if-error')
  @UseInterceptors(CacheHeadersInterceptor)
  @CacheHeaders({ scope: 'public', staleIfError: '1h' })
  async staleIfError() {
    return this.prices.neverStale();
  }

  @Get('briefly-stale')
  @UseInterceptors(CacheHeadersInterceptor)
  @CacheHeaders({ scope: 'public' })
  async brieflyStale() {
    return this.prices.brieflyStale();
  }

  @Get('long')
  @UseInterceptors(CacheHeadersInterceptor)
  @CacheHeaders({ scope: 'public' })
  async long() {
    return this.prices.long();
  }
}

/** A request as the application saw it. */
export interface Seen {
  readonly path: string;
  readonly isConditional: boolean;
  readonly status: () => number;
}

export interface ProxiedApp {
  readonly port: number;
  readonly seen: readonly Seen[];
  /** Requests to a path so far. */
  readonly count: (path: string) => number;
  /** From now on requests wait until the returned function is called. */
  readonly block: () => () => void;
  /** From now on requests are answered with this status, or their connection is reset, or undefined: as usual. */
  readonly fail: (how: number | 'reset' | undefined) => void;
  /** Another value at the origin, and in the application's own cache. */
  readonly setPrice: (price: number) => Promise<void>;
  /** Ages what the application's cache holds: its clock stands still otherwise. */
  readonly pass: (seconds: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * An application behind an HTTP cache. Its own clock stands still, so that its headers are the same at each request, and
 * only the clock of the cache in front runs.
 */
export async function startProxiedApp(platform: Platform): Promise<ProxiedApp> {
  const seen: Seen[] = [];
  let gate = Promise.resolve();
  let failure: number | 'reset' | undefined;
  const before: NestMiddleware['use'] = (request, response, next) => {
    seen.push({
      path: String(request.url).slice(1),
      isConditional: request.headers['if-none-match'] !== undefined,
      status: () => response.statusCode,
    });
    void gate.then(() => {
      if (failure === undefined) next();
      else if (failure === 'reset') request.socket.destroy();
      else {
        response.statusCode = failure;
        response.end('failed');
      }
    });
  };
  const { app, clock } = await createApp(platform, { providers: [Prices], controllers: [Pages] });
  app.use(before);
  await app.listen(0, '127.0.0.1');
  const { port } = new URL(await app.getUrl());
  return {
    port: Number(port),
    seen,
    count: (path) => seen.filter((request) => request.path === path).length,
    block: () => {
      let release = (): void => undefined;
      gate = new Promise((resolve) => (release = resolve));
      return () => {
        gate = Promise.resolve();
        release();
      };
    },
    fail: (how) => {
      failure = how;
    },
    setPrice: async (price) => {
      app.get(Prices).price = price;
      await app.get(AsyncCache).clear();
    },
    pass: (seconds) => clock.advance(seconds * 1_000),
    close: () => app.close(),
  };
}
