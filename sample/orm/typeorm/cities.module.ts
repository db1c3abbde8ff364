import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AsyncCacheTypeOrmModule } from 'nestjs-async-cache/typeorm';
import { CitiesController } from '../cities.controller.js';
import { Cities } from '../cities.js';
import { databaseUrl, rows } from '../feature.options.js';
import { CrowdedCities } from './crowded-cities.js';
import { City, Country, Division } from './entities.js';
import { TypeOrmCities } from './typeorm-cities.js';

/** The same in web and worker processes: a worker refreshes through its own data source. */
@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, autoLoadEntities: true, retryAttempts: 0 }),
    AsyncCacheTypeOrmModule.forFeature([Country, Division, City], rows),
  ],
  controllers: [CitiesController],
  providers: [CrowdedCities, TypeOrmCities, { provide: Cities, useExisting: TypeOrmCities }],
})
export class CitiesModule {}
