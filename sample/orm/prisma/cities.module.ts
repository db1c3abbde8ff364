import { Global, Module } from '@nestjs/common';
import { AsyncCachePrismaModule } from 'nestjs-async-cache/prisma';
import { CitiesController } from '../cities.controller.js';
import { Cities } from '../cities.js';
import { rows } from '../feature.options.js';
import { CrowdedCities } from './crowded-cities.js';
import { PrismaCities } from './prisma-cities.js';
import { PrismaService } from './prisma.service.js';

@Global()
@Module({ providers: [PrismaService], exports: [PrismaService] })
class PrismaModule {}

/** The same in web and worker processes: a worker refreshes through its own client. */
@Module({
  imports: [
    PrismaModule,
    AsyncCachePrismaModule.forFeature(['country', 'division', 'city'], { client: PrismaService, ...rows }),
  ],
  controllers: [CitiesController],
  providers: [CrowdedCities, PrismaCities, { provide: Cities, useExisting: PrismaCities }],
})
export class CitiesModule {}
