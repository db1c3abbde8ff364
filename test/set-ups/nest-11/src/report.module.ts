import { Module } from '@nestjs/common';
import { AsyncCacheModule } from 'nestjs-async-cache';
import { ReportController } from './report.controller';
import { ReportService, Tweets } from './report.service';

@Module({
  imports: [AsyncCacheModule.forRoot()],
  controllers: [ReportController],
  providers: [ReportService, Tweets],
})
export class ReportModule {}
