import { Injectable } from '@nestjs/common';
import { AsyncCached, AsyncCacheJob } from 'nestjs-async-cache';

export class PageOptions {
  constructor(
    public page = 1,
    public take = 10,
  ) {}
  get skip(): number {
    return (this.page - 1) * this.take;
  }
}

@Injectable()
export class ReportService {
  fetches = 0;

  @AsyncCached(60)
  async sales(region: string): Promise<{ region: string; number: number }> {
    return { region, number: ++this.fetches };
  }

  @AsyncCached('1m')
  async page(options: PageOptions): Promise<{ skip: number }> {
    return { skip: options.skip };
  }
}

@Injectable()
export class Tweets extends AsyncCacheJob {
  ttl = 60;
  async fetch(name: string): Promise<string[]> {
    return [name];
  }
}
