import {
  type AsyncCache,
  AsyncCacheModule,
  type CacheEvent,
  type CacheableMethod,
  type Job,
  type Distribution,
  type JobStats,
} from 'nestjs-async-cache';
import type { Observable } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';

interface Report {
  id: number;
}
declare class Reports {
  constructor(url: string);
  readonly runs: number;
  sales(region: string, year?: number): Promise<Report[]>;
  stream(id: number): Observable<Report>;
  text(): string;
  protected guarded(): Promise<string>;
  private hidden(): Promise<string>;
}
declare abstract class Repository {
  abstract find(id: number): Promise<Report>;
}
declare const cache: AsyncCache;
declare const reports: Reports;

describe('of', () => {
  it('gives a job that is typed from the method', () => {
    expectTypeOf(cache.of(reports, 'sales')).toEqualTypeOf<
      Job<[region: string, year?: number | undefined], Report[]>
    >();
    expectTypeOf(cache.of(Reports, 'sales')).toEqualTypeOf<
      Job<[region: string, year?: number | undefined], Report[]>
    >();
    expectTypeOf(cache.of(Reports, 'stream')).toEqualTypeOf<Job<[id: number], Report>>();
    expectTypeOf(cache.of(Repository, 'find')).toEqualTypeOf<Job<[id: number], Report>>();
    expectTypeOf(cache.of(reports, 'sales').get('eu')).resolves.toEqualTypeOf<Report[]>();
    expectTypeOf(cache.of(reports, 'sales').getMany([['eu'], ['us', 2026]])).resolves.toEqualTypeOf<Report[][]>();
    // @ts-expect-error a number is no region
    void cache.of(reports, 'sales').get(5);
    // @ts-expect-error not the method's value
    void cache.of(reports, 'sales').set(['eu'], 'text');
  });

  it('takes names of methods that can be cached, and no others', () => {
    expectTypeOf<CacheableMethod<Reports>>().toEqualTypeOf<'sales' | 'stream'>();
    // @ts-expect-error a misspelt name
    cache.of(reports, 'sale');
    // @ts-expect-error returns a string
    cache.of(Reports, 'text');
    // @ts-expect-error runs is no method
    cache.of(reports, 'runs');
    // @ts-expect-error private to the class
    cache.of(reports, 'hidden');
  });
});

it('jobs(), events$, stats(), tags and clear() are typed, without any', () => {
  expectTypeOf(cache.jobs()).toEqualTypeOf<Job[]>();
  expectTypeOf(cache.events$).toEqualTypeOf<Observable<CacheEvent>>();
  expectTypeOf(cache.stats()).toEqualTypeOf<JobStats & { readonly jobs: Readonly<Record<string, JobStats>> }>();
  expectTypeOf(cache.stats().hits).toBeNumber();
  expectTypeOf(cache.stats().fetchTime).toEqualTypeOf<Distribution>();
  expectTypeOf(cache.stats().nextAttempt).toEqualTypeOf<Date | undefined>();
  expectTypeOf(cache.clear()).resolves.toBeVoid();
  expectTypeOf(cache.invalidateTags).parameters.toEqualTypeOf<string[]>();
});

it('events are a closed union: a switch over type is exhaustive', () => {
  const describeEvent = (event: CacheEvent): string => {
    if (event.type === 'hit') {
      expectTypeOf(event.age).toBeNumber();
      return event.key;
    }
    if (event.type === 'refresh-failed') {
      expectTypeOf(event.retryAt).toEqualTypeOf<Date>();
      expectTypeOf(event.error).toBeUnknown();
    }
    return event.job;
  };
  expectTypeOf(describeEvent).returns.toBeString();
  expectTypeOf<CacheEvent['type']>().not.toBeAny();
  expectTypeOf<CacheEvent['type']>().not.toEqualTypeOf<string>();
});

it('options of forRoot are checked', () => {
  AsyncCacheModule.forRoot();
  AsyncCacheModule.forRoot({ isGlobal: false, defaults: { ttl: '5m' }, worker: { concurrency: 5 } });
  AsyncCacheModule.forRootAsync({ useFactory: async (prefix: string) => ({ prefix }), inject: ['PREFIX'] });
  // @ts-expect-error a misspelt name
  AsyncCacheModule.forRoot({ conection: {} });
  // @ts-expect-error not a duration
  AsyncCacheModule.forRoot({ storeTimeout: '5 minutes' });
  // @ts-expect-error for one job only
  AsyncCacheModule.forRoot({ defaults: { name: 'x' } });
});
