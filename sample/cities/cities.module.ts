import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { CacheController } from './cache.controller.js';
import { CitiesController } from './cities.controller.js';
import { CityReports } from './city-reports.js';
import { CitiesDatabase } from './database/cities-database.js';
import { NearbyCities } from './nearby-cities.job.js';

/** The feature, the same in one process and in many. Only the place of the database differs. */
@Module({})
export class CitiesModule {
  static on(database: Type<CitiesDatabase>): DynamicModule {
    return {
      module: CitiesModule,
      controllers: [CitiesController, CacheController],
      providers: [database, { provide: CitiesDatabase, useExisting: database }, CityReports, NearbyCities],
      exports: [database],
    };
  }
}
