import { Injectable } from '@nestjs/common';
import { AsyncCached } from 'nestjs-async-cache';
import { DataSource } from 'typeorm';
import { CROWDED_REPORT, type CrowdedCity } from '../database/crowded-report.js';
import { report } from '../feature.options.js';

/** SQL of one's own is a cached method, with the tags of the entities that it reads. */
@Injectable()
export class CrowdedCities {
  constructor(private readonly dataSource: DataSource) {}

  @AsyncCached(report)
  async inCountry(code: string): Promise<CrowdedCity[]> {
    return this.dataSource.query<CrowdedCity[]>(CROWDED_REPORT, [code]);
  }
}
