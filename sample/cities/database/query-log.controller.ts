import { Controller, Get } from '@nestjs/common';
import type { LoggedQuery } from './cities-database.js';
import { ThreadDatabase } from './thread-database.js';

@Controller('database')
export class QueryLogController {
  constructor(private readonly database: ThreadDatabase) {}

  @Get('log')
  log(): readonly LoggedQuery[] {
    return this.database.log;
  }
}
