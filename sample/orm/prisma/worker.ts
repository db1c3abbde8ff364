import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AsyncCacheModule } from 'nestjs-async-cache';
import { worker } from '../cache.options.js';
import { CitiesModule } from './cities.module.js';

@Module({ imports: [AsyncCacheModule.forRoot(worker), CitiesModule] })
class WorkerModule {}

const app = await NestFactory.createApplicationContext(WorkerModule);
app.enableShutdownHooks();
console.log('Ready to refresh');
