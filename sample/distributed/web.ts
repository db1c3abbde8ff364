import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AsyncCacheModule } from 'nestjs-async-cache';
import { CitiesModule } from '../cities/cities.module.js';
import { RemoteDatabase } from '../cities/database/remote-database.js';
import { options } from './async-cache.options.js';

/** Answers HTTP requests and only requests refreshes. */
@Module({ imports: [AsyncCacheModule.forRoot({ ...options, worker: false }), CitiesModule.on(RemoteDatabase)] })
class WebModule {}

const app = await NestFactory.create(WebModule);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000, '127.0.0.1');
console.log(`Ready on ${await app.getUrl()}`);
