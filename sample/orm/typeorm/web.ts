import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AsyncCacheModule } from 'nestjs-async-cache';
import { web } from '../cache.options.js';
import { CitiesModule } from './cities.module.js';

@Module({ imports: [AsyncCacheModule.forRoot(web), CitiesModule] })
class WebModule {}

const app = await NestFactory.create(WebModule);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000, '127.0.0.1');
console.log(`Ready on ${await app.getUrl()}`);
