import 'reflect-metadata';
import assert from 'node:assert/strict';
import { NestFactory } from '@nestjs/core';
import { AsyncCache } from 'nestjs-async-cache';
import { ReportModule } from '../report.module';
import { PageOptions, ReportService, Tweets } from '../report.service';

/** A hit, a stale read with its refresh, arguments of a class, and a job class. */
async function check(): Promise<void> {
  const app = await NestFactory.createApplicationContext(ReportModule, { logger: ['warn', 'error'] });
  const [cache, reports] = [app.get(AsyncCache), app.get(ReportService)];
  const sales = cache.of(reports, 'sales');
  const page = cache.of(reports, 'page');
  assert.deepEqual(sales.name, 'ReportService.sales');
  assert.equal((await reports.sales('eu')).number, 1);
  assert.equal((await sales.read('eu')).status, 'hit');
  assert.deepEqual(await app.get(Tweets).get('bob'), ['bob']);

  // A refresh gets an instance of the class again, which the compiler's metadata names.
  assert.deepEqual(await reports.page(new PageOptions(3)), { skip: 20 });
  await page.invalidate(new PageOptions(3));
  await sales.invalidate('eu');
  for (const until = Date.now() + 10_000; Date.now() < until; await new Promise((done) => setTimeout(done, 5))) {
    const [first, second] = [await sales.peek('eu'), await page.peek(new PageOptions(3))];
    if (first?.value.number === 2 && second?.status === 'fresh') break;
  }
  assert.deepEqual(await page.read(new PageOptions(3)).then(({ status, value }) => [status, value]), [
    'hit',
    { skip: 20 },
  ]);
  assert.deepEqual(await sales.read('eu').then(({ status, value }) => [status, value.number]), ['hit', 2]);
  await app.close();
  console.log('passed');
}

void check();
