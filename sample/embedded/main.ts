import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { EmbeddedModule } from './embedded.module.js';

const app = await NestFactory.create(EmbeddedModule);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000, '127.0.0.1');
console.log(`Ready on ${await app.getUrl()}`);
