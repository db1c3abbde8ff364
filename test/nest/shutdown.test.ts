import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Injectable, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AsyncCached, AsyncCacheJob, AsyncCacheModule } from 'nestjs-async-cache';
import { describe, expect, it } from 'vitest';
import { Gate } from '../../lib/testing/gate.js';
import { RecordingLogger } from './support/start-app.js';

const CLOSE_LIMIT = 5_000;

/** In real time, since the test measures how long things take. */
async function start(gate: Gate<string, [string]>, ...extra: (new () => object)[]) {
  @Injectable()
  class Service {
    @AsyncCached({ ttl: 60 })
    async load(id: string): Promise<string> {
      return gate.fetch(id);
    }
  }
  class Job extends AsyncCacheJob {
    async fetch(id: string): Promise<string> {
      return gate.fetch(id);
    }
  }
  const log = new RecordingLogger();
  const app = await Test.createTestingModule({
    imports: [AsyncCacheModule.forRoot()],
    providers: [Service, Job, ...extra],
  })
    .setLogger(log)
    .compile();
  await app.init();
  return { app, log, service: app.get(Service), job: app.get(Job) };
}

describe('app.close()', () => {
  it('lets an active refresh end', async () => {
    const gate = new Gate<string, [string]>();
    const { app, log, job } = await start(gate);
    await job.set(['a'], 'old');
    await job.invalidate('a');
    await gate.started(1);
    let closed = false;
    const closing = app.close().then(() => (closed = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(false);
    gate.release('new');
    await closing;
    expect(log.own('error')).toEqual([]);
  });

  it('does not wait for one that never ends', async () => {
    const { app, job } = await start(new Gate());
    await job.set(['a'], 'old');
    await job.invalidate('a');
    const started = performance.now();
    await app.close();
    expect(performance.now() - started).toBeLessThan(CLOSE_LIMIT);
  });

  it('can be called twice', async () => {
    const { app } = await start(new Gate());
    await app.close();
    await app.close();
  });
});

it('reads are answered while the application is destroyed, and after it', async () => {
  const gate = new Gate<string, [string]>();
  gate.open((id) => `fetched ${id}`);
  const reads: string[] = [];
  let read = async (_when: string): Promise<void> => {};
  @Injectable()
  class Late implements OnModuleDestroy, OnApplicationShutdown {
    onModuleDestroy = () => read('onModuleDestroy');
    beforeApplicationShutdown = () => read('beforeApplicationShutdown');
    onApplicationShutdown = () => read('onApplicationShutdown');
  }
  @Module({ providers: [Late] })
  class LateModule {}
  const { app, service, job } = await start(gate, Late, LateModule);
  read = async (when) => {
    await job.set([`stale ${when}`], 'stale');
    await job.invalidate(`stale ${when}`);
    reads.push(when, await service.load('hit'), await service.load(when), await job.get(`stale ${when}`));
  };
  await service.load('hit');
  await read('before');
  await app.close();
  await read('after');
  const phases = ['before', 'onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown', 'after'];
  expect(reads.filter((_, index) => index % 4 === 0)).toEqual(phases);
  expect(reads.filter((_, index) => index % 4 === 1)).toEqual(phases.map(() => 'fetched hit'));
  expect(reads.filter((_, index) => index % 4 === 2)).toEqual(phases.map((when) => `fetched ${when}`));
  expect(reads.filter((_, index) => index % 4 === 3).every((value) => /^stale$|^fetched stale/.test(value))).toBe(true);
});

describe('a process whose application is closed', () => {
  // What runs there is the built output: `npm test` builds it first.
  it.each(['idle', 'hanging', 'failing'])('ends by itself: %s', async (scene) => {
    const { code, output, ms } = await run(scene);
    expect(output).toBe('closed\n');
    expect(code).toBe(0);
    expect(ms).toBeLessThan(2 * CLOSE_LIMIT);
  });
});

function run(scene: string): Promise<{ code: number | null; output: string; ms: number }> {
  const started = performance.now();
  const script = fileURLToPath(new URL('support/closing-process.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, scene], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => {
    const giveUp = setTimeout(() => child.kill('SIGKILL'), 3 * CLOSE_LIMIT);
    child.on('close', (code) => {
      clearTimeout(giveUp);
      resolve({ code, output, ms: performance.now() - started });
    });
  });
}
