import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AsyncCacheModule } from 'nestjs-async-cache';
import { CitiesModule } from '../cities/cities.module.js';
import { RemoteDatabase } from '../cities/database/remote-database.js';
import { options } from './async-cache.options.js';

/** Runs refreshes with its own instances of the same providers, and answers no requests. */
@Module({
  imports: [AsyncCacheModule.forRoot({ ...options, worker: { concurrency: 2 } }), CitiesModule.on(RemoteDatabase)],
})
class WorkerModule {}

const app = await NestFactory.createApplicationContext(WorkerModule);
app.enableShutdownHooks();
console.log('Ready to refresh');
