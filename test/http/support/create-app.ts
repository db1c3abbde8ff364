import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AsyncCacheModule, type AsyncCacheOptions } from 'nestjs-async-cache';
import { SystemClock } from '../../../lib/memory/system-clock.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { RecordingLogger } from '../../nest/support/start-app.js';

export type Platform = 'Express' | 'Fastify';

interface Parts extends Omit<ModuleMetadata, 'imports'> {
  readonly options?: AsyncCacheOptions;
}

/** An application whose cache has a clock that stands still. It does not listen yet. */
export async function createApp(
  platform: Platform,
  { options = {}, ...parts }: Parts,
): Promise<{ readonly app: INestApplication; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const module = await Test.createTestingModule({ imports: [AsyncCacheModule.forRoot(options)], ...parts })
    .overrideProvider(SystemClock)
    .useValue(clock)
    .setLogger(new RecordingLogger())
    .compile();
  const app: INestApplication =
    platform === 'Fastify' ? module.createNestApplication(new FastifyAdapter()) : module.createNestApplication();
  return { app, clock };
}
