import { type DynamicModule, Injectable, type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AsyncCache, AsyncCached, AsyncCacheModule, type AsyncCacheOptions } from 'nestjs-async-cache';
import {
  AsyncCacheDashboardModule,
  type AsyncCacheDashboardOptions,
  type DashboardRequest,
} from 'nestjs-async-cache/dashboard';
import { onTestFinished } from 'vitest';
import { RecordingLogger } from '../../nest/support/start-app.js';
import { buildPage } from './build-page.js';

export type Platform = 'Express' | 'Fastify';

@Injectable()
export class Shop {
  prices = 0;

  @AsyncCached({ ttl: 60 })
  async price(article: string): Promise<{ article: string; euros: number }> {
    this.prices++;
    return { article, euros: this.prices };
  }

  @AsyncCached({ ttl: '5m', key: (article: string) => article.toLowerCase(), jitter: 0.1 })
  async stock(article: string): Promise<string> {
    return article;
  }
}

/** What the header `x-role` says. */
export const byRole = ({ headers }: DashboardRequest): 'none' | 'read' | 'write' => {
  const role = headers['x-role'];
  return role === 'read' || role === 'write' ? role : 'none';
};

export interface DashboardApp {
  readonly app: INestApplication;
  readonly url: string;
  readonly shop: Shop;
  readonly cache: AsyncCache;
  readonly log: RecordingLogger;
  /** A request with a role, below the dashboard's path. */
  readonly ask: (role: string, place: string, init?: RequestInit) => Promise<Response>;
  readonly write: (name: string, body: unknown, headers?: Record<string, string>) => Promise<Response>;
}

export interface DashboardAppParts {
  platform?: Platform;
  options?: AsyncCacheOptions;
  dashboard?: AsyncCacheDashboardOptions | DynamicModule;
  imports?: NonNullable<ModuleMetadata['imports']>;
}

export async function startDashboardApp({
  platform = 'Express',
  options = {},
  dashboard = { guard: byRole },
  imports = [],
}: DashboardAppParts = {}): Promise<DashboardApp> {
  buildPage();
  const log = new RecordingLogger();
  const module = 'module' in dashboard ? dashboard : AsyncCacheDashboardModule.forRoot(dashboard);
  const compiled = await Test.createTestingModule({
    imports: [AsyncCacheModule.forRoot(options), module, ...imports],
    providers: [Shop],
  })
    .setLogger(log)
    .compile();
  const app = compiled.createNestApplication(platform === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter());
  app.useLogger(log);
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  const url = await app.getUrl();
  const ask: DashboardApp['ask'] = (role, place, init = {}) =>
    fetch(`${url}/async-cache${place}`, { ...init, headers: { 'x-role': role, ...(init.headers as object) } });
  const write: DashboardApp['write'] = async (name, body, headers = {}) => {
    const { token } = (await (await ask('write', '/session')).json()) as { token: string };
    return ask('write', `/${name}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', origin: url, 'x-async-cache-token': token, ...headers },
    });
  };
  return { app, url, shop: app.get(Shop), cache: app.get(AsyncCache, { strict: false }), log, ask, write };
}
