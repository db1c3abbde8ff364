import { Injectable } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { reportWrites } from 'nestjs-async-cache/prisma';
import { databaseUrl } from '../feature.options.js';
import { PrismaClient } from './generated/client.js';

/** To its users it is a client like any other. Its writes make stale what read the same rows. */
@Injectable()
export class PrismaService extends PrismaClient {
  constructor() {
    super({ adapter: new PrismaPg({ connectionString: databaseUrl }) });
    return reportWrites(this);
  }

  /** Not earlier, in onModuleDestroy: refreshes that are still running then want to end well. */
  async onApplicationShutdown(): Promise<void> {
    await this.$disconnect();
  }
}
