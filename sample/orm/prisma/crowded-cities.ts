import { Injectable } from '@nestjs/common';
import { AsyncCached } from 'nestjs-async-cache';
import { CROWDED_REPORT, type CrowdedCity } from '../database/crowded-report.js';
import { report } from '../feature.options.js';
import { PrismaService } from './prisma.service.js';

/** SQL of one's own is a cached method, with the tags of the models that it reads. */
@Injectable()
export class CrowdedCities {
  constructor(private readonly prisma: PrismaService) {}

  @AsyncCached(report)
  async inCountry(code: string): Promise<CrowdedCity[]> {
    return this.prisma.$queryRawUnsafe<CrowdedCity[]>(CROWDED_REPORT, code);
  }
}
