import { Controller, Get, Param, UseInterceptors } from '@nestjs/common';
import { AsyncCached } from 'nestjs-async-cache';
import { CacheHeadersInterceptor } from 'nestjs-async-cache/http';
import { ReportService } from './report.service';

@Controller('sales')
@UseInterceptors(CacheHeadersInterceptor)
export class ReportController {
  constructor(private readonly reports: ReportService) {}

  @Get(':region')
  @AsyncCached(60)
  async ofRegion(@Param('region') region: string): Promise<{ region: string; number: number }> {
    return this.reports.sales(region);
  }
}
