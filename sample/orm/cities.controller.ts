import { Body, Controller, Get, Param, ParseIntPipe, Patch, Post, UseInterceptors } from '@nestjs/common';
import type { Reading } from 'nestjs-async-cache';
import { ReadingInterceptor } from '../cities/reading.interceptor.js';
import { AbsentRowInterceptor } from './absent-row.interceptor.js';
import { Cities, type CityView, type CountryView } from './cities.js';
import type { CrowdedCity } from './database/crowded-report.js';

/** Every GET says in its headers how the value came. */
@Controller()
@UseInterceptors(AbsentRowInterceptor)
export class CitiesController {
  constructor(private readonly cities: Cities) {}

  @Get('countries/:code')
  @UseInterceptors(ReadingInterceptor)
  country(@Param('code') code: string): Promise<Reading<CountryView>> {
    return this.cities.country(code);
  }

  @Get('countries/:code/cities')
  @UseInterceptors(ReadingInterceptor)
  largest(@Param('code') code: string): Promise<Reading<CityView[]>> {
    return this.cities.largest(code);
  }

  @Get('countries/:code/cities/count')
  @UseInterceptors(ReadingInterceptor)
  count(@Param('code') code: string): Promise<Reading<number>> {
    return this.cities.count(code);
  }

  @Get('countries/:code/crowded')
  @UseInterceptors(ReadingInterceptor)
  crowded(@Param('code') code: string): Promise<Reading<CrowdedCity[]>> {
    return this.cities.crowded(code);
  }

  @Get('cities/:id')
  @UseInterceptors(ReadingInterceptor)
  city(@Param('id', ParseIntPipe) id: number): Promise<Reading<CityView>> {
    return this.cities.city(id);
  }

  @Patch('countries/:code')
  rename(@Param('code') code: string, @Body('name') name: string): Promise<void> {
    return this.cities.rename(code, name);
  }

  @Patch('cities/:id')
  setPopulation(
    @Param('id', ParseIntPipe) id: number,
    @Body('population', ParseIntPipe) population: number,
  ): Promise<void> {
    return this.cities.setPopulation(id, population);
  }

  @Post('moves')
  move(
    @Body('people', ParseIntPipe) people: number,
    @Body('from', ParseIntPipe) from: number,
    @Body('to', ParseIntPipe) to: number,
  ): Promise<void> {
    return this.cities.move(people, from, to);
  }
}
