import { Test } from '@nestjs/testing';
import { AsyncCache, AsyncCacheModule } from 'nestjs-async-cache';
import { PageOptions, ReportService, Tweets } from './report.service';

describe('ReportService', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  async function start() {
    const module = await Test.createTestingModule({
      imports: [AsyncCacheModule.forRoot()],
      providers: [ReportService, Tweets],
    }).compile();
    await module.init();
    return module;
  }

  it('is cached in a module', async () => {
    const module = await start();
    const reports = module.get(ReportService);
    expect((await reports.sales('eu')).number).toBe(1);
    expect((await reports.sales('eu')).number).toBe(1);
    expect(await reports.page(new PageOptions(3))).toEqual({ skip: 20 });
    expect(await module.get(Tweets).get('bob')).toEqual(['bob']);
    await module.close();
  });

  it('is a plain method without it', async () => {
    const reports = new ReportService();
    expect((await reports.sales('eu')).number).toBe(1);
    expect((await reports.sales('eu')).number).toBe(2);
  });

  it('is refreshed under fake timers', async () => {
    jest.useFakeTimers();
    const module = await start();
    const reports = module.get(ReportService);
    const job = module.get(AsyncCache).of(reports, 'sales');
    expect((await reports.sales('eu')).number).toBe(1);
    jest.advanceTimersByTime(61_000);
    expect((await job.read('eu')).status).toBe('stale');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await job.read('eu')).toMatchObject({ status: 'hit', value: { number: 2 } });
    await module.close();
  });
});
