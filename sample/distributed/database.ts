import 'reflect-metadata';
import { BadRequestException, Body, Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CITY_STATEMENTS } from '../cities/city-statements.js';
import type { Parameters } from '../cities/database/cities-database.js';
import { QueryLogController } from '../cities/database/query-log.controller.js';
import { ThreadDatabase } from '../cities/database/thread-database.js';

interface RemoteQuery {
  statement: string;
  parameters: Parameters;
  client: string;
}

/** Stands for a database server, which would need an installation. */
@Controller('database')
class DatabaseController {
  constructor(private readonly database: ThreadDatabase) {}

  @Post('query')
  query(@Body() { statement, parameters, client }: RemoteQuery): Promise<unknown[]> {
    const known = CITY_STATEMENTS.find(({ name }) => name === statement);
    if (known === undefined) throw new BadRequestException(`There is no statement ${statement}.`);
    return this.database.query(known, parameters, client);
  }
}

@Module({ controllers: [DatabaseController, QueryLogController], providers: [ThreadDatabase] })
class DatabaseModule {}

const app = await NestFactory.create(DatabaseModule);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 5432, '127.0.0.1');
console.log(`Ready on ${await app.getUrl()}`);
