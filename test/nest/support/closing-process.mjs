// Starts an application, leaves it in the state that the argument names, and closes it. Ends when nothing keeps it alive.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AsyncCacheJob, AsyncCacheModule } from 'nestjs-async-cache';

const [, , scene] = process.argv;

class Job extends AsyncCacheJob {
  ttl = 60;
  refreshTimeout = 60;

  fetch(id) {
    if (id === 'failing') return Promise.reject(new Error('origin is down'));
    return id === 'hanging' ? new Promise(() => {}) : Promise.resolve(id);
  }
}

class AppModule {}
Module({ imports: [AsyncCacheModule.forRoot()], providers: [Job] })(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const job = app.get(Job);
await job.set([scene], 'old');
await job.invalidate(scene);
await job.get('other');
// The refresh is under way.
await new Promise((resolve) => setTimeout(resolve, 50));
await app.close();
console.log('closed');
