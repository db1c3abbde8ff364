// Serves the application of one subject on a free port of the loopback: `node http-server.mjs <subject> <platform>`.
import { NestFactory } from '@nestjs/core';
import { loadSubject } from './catalogue.mjs';

const [, , file, platform] = process.argv;
const { ExpressAdapter } = await import('@nestjs/platform-express');
const { FastifyAdapter } = await import('@nestjs/platform-fastify');
const subject = await loadSubject(file);
const adapter = platform === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter();
const application = await NestFactory.create(subject.module(), adapter, { logger: false });
await application.listen(0, '127.0.0.1');
const cpu = () => process.cpuUsage();
process.on('message', () => process.send({ cpu: cpu() }));
process.on('disconnect', () => process.exit());
process.send({ port: application.getHttpServer().address().port });
