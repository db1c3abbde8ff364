import { Controller, Get, HttpException, Injectable, NotFoundException, Param } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { WsException } from '@nestjs/websockets';
import { AsyncCached } from 'nestjs-async-cache';
import { describe, expect, inject, it } from 'vitest';
import { startApp, startHttpApp } from './support/start-app.js';

class TeapotException extends HttpException {
  constructor() {
    super({ brew: false }, 418);
  }
}

@Controller('users')
@Injectable()
class Users {
  fetches = 0;

  @Get(':id')
  @AsyncCached({ ttl: 60, onError: () => ({ ttl: 60 }), tags: (_, id) => [`user:${String(id)}`] })
  async find(@Param('id') id: string): Promise<string> {
    this.fetches++;
    if (id === 'pot') throw new TeapotException();
    if (id === 'axios') throw Object.assign(new Error('refused'), { name: 'AxiosError', status: 404, response: {} });
    throw new NotFoundException({ id, reason: 'no such user' });
  }
}

@Injectable()
class Messages {
  fetches = 0;

  @AsyncCached({ ttl: 60, onError: () => ({ ttl: 60 }) })
  async rpc(): Promise<never> {
    this.fetches++;
    throw new RpcException({ code: 7, at: new Date(0) });
  }

  @AsyncCached({ ttl: 60, onError: () => ({ ttl: 60 }) })
  async ws(): Promise<never> {
    this.fetches++;
    throw new WsException('no');
  }
}

const url = new URL(inject('redisUrl'));

describe.each([
  ['embedded', {}],
  [
    'on Redis',
    { connection: { host: url.hostname, port: Number(url.port) }, prefix: `failures ${String(Math.random())}` },
  ],
])('a remembered HttpException, %s,', (_, options) => {
  it('is answered by Nest with its status and body on every read', async () => {
    const { app, url: at } = await startHttpApp({ controllers: [Users], options });
    const answers = [];
    for (let read = 0; read < 3; read++) {
      const response = await fetch(`${at}/users/bob`);
      answers.push({ status: response.status, body: await response.json() });
    }
    expect(answers).toEqual(Array(3).fill({ status: 404, body: { id: 'bob', reason: 'no such user' } }));
    expect((await fetch(`${at}/users/pot`)).status).toBe(418);
    expect((await fetch(`${at}/users/pot`)).status).toBe(418);
    expect(app.get(Users).fetches).toBe(2);
  });

  it('is an instance of its class again, and other errors with a status are not taken for one', async () => {
    const { app } = await startApp({ controllers: [Users], options: { ...options, prefix: String(Math.random()) } });
    const users = app.get(Users);
    const told = async (id: string) => users.find(id).catch((error: unknown) => error);
    const first = await told('eve');
    const again = await told('eve');
    expect(again).toBeInstanceOf(NotFoundException);
    expect(again).toMatchObject({ name: 'NotFoundException', message: (first as Error).message });
    await told('axios');
    expect(await told('axios')).not.toBeInstanceOf(HttpException);
  });

  it('of a microservice or a gateway is one again', async () => {
    const { app } = await startApp({ providers: [Messages], options: { ...options, prefix: String(Math.random()) } });
    const messages = app.get(Messages);
    for (let read = 0; read < 3; read++) {
      const rpc = await messages.rpc().catch((error: unknown) => error);
      expect(rpc).toBeInstanceOf(RpcException);
      expect((rpc as RpcException).getError()).toEqual({ code: 7, at: new Date(0) });
      const ws = await messages.ws().catch((error: unknown) => error);
      expect(ws).toBeInstanceOf(WsException);
      expect([(ws as WsException).getError(), (ws as WsException).message]).toEqual(['no', 'no']);
    }
    expect(messages.fetches).toBe(2);
  });

  it('ends with its tags, by a function of the arguments', async () => {
    const { app, cache } = await startApp({
      controllers: [Users],
      options: { ...options, prefix: String(Math.random()) },
    });
    const users = app.get(Users);
    await users.find('bob').catch(() => undefined);
    await users.find('eve').catch(() => undefined);
    await cache.invalidateTags('user:bob');
    await users.find('bob').catch(() => undefined);
    await users.find('eve').catch(() => undefined);
    expect(users.fetches).toBe(3);
  });
});
