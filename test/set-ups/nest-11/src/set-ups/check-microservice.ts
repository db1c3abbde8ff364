import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  MessagePattern,
  MicroserviceOptions,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { AsyncCached, AsyncCacheModule } from 'nestjs-async-cache';
import { firstValueFrom } from 'rxjs';

@Controller()
class SalesController {
  fetches = 0;

  @MessagePattern('sales')
  @AsyncCached(60)
  async sales(region: string): Promise<{ region: string; number: number }> {
    return { region, number: ++this.fetches };
  }

  @MessagePattern('forbidden')
  @AsyncCached({ ttl: 60, onError: () => ({ ttl: 60 }) })
  async forbidden(region: string): Promise<string> {
    this.fetches++;
    throw new RpcException(`${region} is forbidden`);
  }
}

@Module({ imports: [AsyncCacheModule.forRoot()], controllers: [SalesController] })
class SalesModule {}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** Handlers of messages are cached; an RpcException that was remembered is one again. */
async function check(): Promise<void> {
  const options = { host: '127.0.0.1', port: await freePort() };
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(SalesModule, {
    transport: Transport.TCP,
    options,
    logger: ['warn', 'error'],
  });
  await app.listen();
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
  const ask = (pattern: string): Promise<unknown> => firstValueFrom(client.send<unknown, string>(pattern, 'eu'));
  assert.deepEqual(
    [await ask('sales'), await ask('sales')],
    [
      { region: 'eu', number: 1 },
      { region: 'eu', number: 1 },
    ],
  );
  const errors = [await ask('forbidden').catch(asObject), await ask('forbidden').catch(asObject)];
  assert.deepEqual(errors[0], errors[1]);
  assert.match(JSON.stringify(errors[1]), /eu is forbidden/);
  assert.equal(app.get(SalesController).fetches, 2);
  client.close();
  await app.close();
  console.log('passed');
}

const asObject = (error: unknown): object => ({ ...(error as object) });

void check();
