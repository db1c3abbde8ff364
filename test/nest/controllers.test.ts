import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Req,
  Scope,
  SetMetadata,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AsyncCached } from 'nestjs-async-cache';
import { map, Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { MINUTE, startHttpApp } from './support/start-app.js';

const Role = (role: string) => SetMetadata('role', role);

@Injectable()
class RoleGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}
  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.get<string>('role', context.getHandler());
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    return role === request.headers['x-role'];
  }
}

class Suffix {
  intercept(_: unknown, next: { handle(): Observable<unknown> }) {
    return next.handle().pipe(map((value) => ({ value })));
  }
}

@Controller('reports')
class Reports {
  runs = 0;

  @Get('below/:id')
  @AsyncCached(60)
  async below(@Param('id', ParseIntPipe) id: number, @Query('lang') lang?: string): Promise<string> {
    return `${typeof id} ${id} ${lang ?? '-'} ${++this.runs}`;
  }

  @AsyncCached(60)
  @Get('above/:id')
  async above(@Param('id') id: string): Promise<string> {
    return `${typeof id} ${id} ${++this.runs}`;
  }

  @AsyncCached(60)
  @UseGuards(RoleGuard)
  @Role('boss')
  @UseInterceptors(Suffix)
  @Get('guarded')
  async guarded(): Promise<number> {
    return ++this.runs;
  }

  @Role('boss')
  @UseGuards(RoleGuard)
  @Get('guarded-above')
  @AsyncCached(60)
  async guardedAbove(): Promise<number> {
    return ++this.runs;
  }

  @Get('stream')
  @AsyncCached(60)
  stream(): Observable<number> {
    return of(0, ++this.runs);
  }

  @Get('undeclared')
  @AsyncCached(60)
  undeclared() {
    return of(0, ++this.runs);
  }

  @Post('search')
  @AsyncCached(60)
  async search(@Body() body: { text: string }): Promise<string> {
    return `${body.text} ${++this.runs}`;
  }

  @Get('unkeyable')
  @AsyncCached(60)
  async unkeyable(@Req() request: object): Promise<string> {
    return typeof request;
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class Scoped {
  static runs = 0;

  @AsyncCached(60)
  @Get(':id')
  async load(@Param('id') id: string): Promise<string> {
    return `${id} ${++Scoped.runs}`;
  }
}

describe('a decorated controller method, over HTTP', () => {
  async function start() {
    const { url, pass, log } = await startHttpApp({ controllers: [Reports, Scoped] });
    const call = (path: string, init?: RequestInit) => fetch(`${url}${path}`, init);
    return { call, pass, log, text: async (path: string, init?: RequestInit) => (await call(path, init)).text() };
  }

  it('under @Get, with pipes', async () => {
    const { text, pass } = await start();
    expect(await text('/reports/below/7?lang=en')).toBe('number 7 en 1');
    expect(await text('/reports/below/7?lang=en')).toBe('number 7 en 1');
    expect(await text('/reports/below/7')).toBe('number 7 - 2');
    await pass(MINUTE + 1);
    expect(await text('/reports/below/7')).toBe('number 7 - 2');
    await pass(0);
    expect(await text('/reports/below/7')).toBe('number 7 - 3');
  });

  it('above @Get', async () => {
    const { text } = await start();
    expect(await text('/reports/above/7')).toBe('string 7 1');
    expect(await text('/reports/above/7')).toBe('string 7 1');
  });

  it.each(['guarded', 'guarded-above'])('guards, interceptors and metadata of %s are in force', async (path) => {
    const { call, text } = await start();
    const headers = { 'x-role': 'boss' };
    const first = await text(`/reports/${path}`, { headers });
    expect(first).toContain('1');
    expect(await text(`/reports/${path}`, { headers })).toBe(first);
    expect((await call(`/reports/${path}`)).status).toBe(403);
  });

  it.each(['stream', 'undeclared'])('%s: of an Observable the last value', async (path) => {
    const { text } = await start();
    expect(await text(`/reports/${path}`)).toBe('1');
    expect(await text(`/reports/${path}`)).toBe('1');
  });

  it('a body is part of the key, whatever the order of its properties', async () => {
    const { call, text } = await start();
    const post = (body: object): RequestInit => ({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(await text('/reports/search', post({ text: 'a', page: 1 }))).toBe('a 1');
    expect(await text('/reports/search', post({ page: 1, text: 'a' }))).toBe('a 1');
    expect(await text('/reports/search', post({ text: 'b' }))).toBe('b 2');
    expect((await call('/reports/search', post({ text: 'b' }))).status).toBe(201);
  });

  it('request-scoped', async () => {
    const { text } = await start();
    const first = await text('/scoped/a');
    expect(await text('/scoped/a')).toBe(first);
  });

  it('a request cannot be a key, and the error says so', async () => {
    const { call, log } = await start();
    expect((await call('/reports/unkeyable')).status).toBe(500);
    expect(log.lines.map(({ text }) => text).join('\n')).toMatch(
      /Reports\.unkeyable: argument 1.*cannot be part of a cache key/,
    );
  });
});
