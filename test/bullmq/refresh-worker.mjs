// A worker in a process of its own. Its handler respects a lease in Redis, as the real one does: without the lease it
// answers `busy`. The holder renews the lease and runs until it is killed. A key that is marked as done is skipped.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { BullMQRefreshModule, BullMQRefreshQueue } from 'nestjs-async-cache/bullmq';
import { MsgpackrCodec } from 'nestjs-async-cache/msgpackr';

const { url, prefix, lease } = JSON.parse(process.argv[2]);
const redis = new Redis(url);

class App {}
const app = await NestFactory.createApplicationContext(
  {
    module: App,
    imports: [
      BullMQRefreshModule.register({
        useFactory: () => ({
          connection: { url },
          prefix,
          codec: new MsgpackrCodec(),
          onFailure: (error) => process.send({ failure: error.message }),
        }),
      }),
    ],
  },
  { logger: false },
);

app.get(BullMQRefreshQueue).process(async ({ key }) => {
  const name = `${prefix}:lease:${key}`;
  process.send({ called: key });
  if (await redis.exists(`${prefix}:done:${key}`)) return { kind: 'skipped' };
  if ((await redis.set(name, process.pid, 'PX', lease, 'NX')) === null) {
    return { kind: 'busy', retryIn: Math.max(0, await redis.pttl(name)) };
  }
  process.send({ fetching: key });
  setInterval(() => redis.pexpire(name, lease), lease / 3);
  return new Promise(() => {});
}, lease);
process.send({ ready: true });
