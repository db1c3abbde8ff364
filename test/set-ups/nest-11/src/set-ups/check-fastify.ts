import 'reflect-metadata';
import assert from 'node:assert/strict';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { ReportModule } from '../report.module';

/** A cached route, and its headers. */
async function check(): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(ReportModule, new FastifyAdapter(), {
    logger: ['warn', 'error'],
  });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const statuses: (string | null)[] = [];
  for (let n = 0; n < 2; n++) {
    const response = await fetch(`${url}/sales/eu`);
    assert.deepEqual(await response.json(), { region: 'eu', number: 1 });
    statuses.push(response.headers.get('cache-status'));
  }
  assert.match(String(statuses[0]), /^nestjs-async-cache; fwd=miss; stored; ttl=\d+$/);
  assert.match(String(statuses[1]), /^nestjs-async-cache; hit; ttl=\d+$/);
  await app.close();
  console.log('passed');
}

void check();
