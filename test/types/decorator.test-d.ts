import { AsyncCached, type Duration, type JobOptions } from 'nestjs-async-cache';
import { type Observable, of } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';

interface Report {
  id: number;
  owner: string;
}
declare const report: Report;

describe('@AsyncCached stands on a method that returns', () => {
  it('a Promise or an Observable', () => {
    class Service {
      @AsyncCached(60)
      async promise(): Promise<Report> {
        return report;
      }
      @AsyncCached('10m')
      observable(): Observable<Report> {
        return of(report);
      }
      @AsyncCached()
      inferred(id: number) {
        return Promise.resolve({ ...report, id });
      }
      @AsyncCached({ ttl: 5 })
      private async hidden(): Promise<void> {}
      @AsyncCached({ ttl: 5 })
      async generic<Value>(value: Value): Promise<Value> {
        return value;
      }
      use() {
        return this.hidden();
      }
    }
    expectTypeOf<Service['promise']>().toEqualTypeOf<() => Promise<Report>>();
    expectTypeOf<Service['inferred']>().toEqualTypeOf<(id: number) => Promise<Report>>();
  });

  it('and nothing else', () => {
    class Service {
      // @ts-expect-error a string is no Promise
      @AsyncCached(60)
      text(): string {
        return '';
      }
      // @ts-expect-error nothing is no Promise
      @AsyncCached(60)
      nothing(): void {}
      // @ts-expect-error sometimes a Promise
      @AsyncCached(60)
      sometimes(): Promise<string> | undefined {
        return undefined;
      }
      // @ts-expect-error a property is no method
      @AsyncCached(60)
      property = async () => 'value';
    }
    expectTypeOf<Service>().not.toBeAny();
  });
});

it('durations are seconds, or strings with a unit', () => {
  AsyncCached(60);
  AsyncCached('500ms');
  AsyncCached('1.5h');
  AsyncCached('10m', { grace: '1d' });
  // @ts-expect-error not a duration
  AsyncCached('5 minutes');
  // @ts-expect-error not a duration
  AsyncCached({ ttl: '5 minutes' });
  // @ts-expect-error no such option
  AsyncCached({ tll: 60 });
  // @ts-expect-error the ttl is said twice
  AsyncCached(60, { ttl: 60 });
  expectTypeOf<'5 minutes'>().not.toExtend<Duration>();
  expectTypeOf<'7d' | 3 | '500ms'>().toExtend<Duration>();
});

describe('callbacks', () => {
  /* eslint-disable @typescript-eslint/restrict-template-expressions -- what has no type is unknown, and may be used so */
  it('that are not annotated can be used', () => {
    class Service {
      @AsyncCached({ ttl: '5m', grace: '1d', tags: (_report, id) => [`user:${id}`], jitter: 0.1 })
      async profile(id: number): Promise<Report> {
        return { ...report, id };
      }
      @AsyncCached(60, { tags: (_report, id) => [`user:${id}`], cacheIf: (value) => value !== null })
      async other(id: number): Promise<Report> {
        return { ...report, id };
      }
      @AsyncCached({ onError: () => 'delete', key: (id) => `k${id}`, empty: () => [] })
      async third(id: string): Promise<string> {
        return id;
      }
    }
    AsyncCached({
      tags: (value, id) => {
        expectTypeOf(value).toBeUnknown();
        expectTypeOf(id).not.toBeAny();
        return [];
      },
    });
    expectTypeOf<Service['profile']>().toEqualTypeOf<(id: number) => Promise<Report>>();
  });

  it('that are annotated are checked against the method', () => {
    class Service {
      @AsyncCached({ ttl: (value: Report, id: number) => value.id + id, tags: ({ owner }: Report) => [owner] })
      async right(id: number, verbose?: boolean): Promise<Report> {
        return { ...report, id: verbose === true ? id : 0 };
      }
      @AsyncCached({ tags: ({ owner }: Pick<Report, 'owner'>) => [owner] })
      observable(_id: number): Observable<Report> {
        return of(report);
      }
      @AsyncCached({ key: (id: number) => `k${id}`, onError: () => 'delete', empty: () => [] })
      async someWithoutParameters(id: number): Promise<Report> {
        return { ...report, id };
      }
      @AsyncCached({ onError: () => 'delete', key: (id: number) => `k${id}`, tags: (value: Report) => [value.owner] })
      async fewerParameters(id: number, _verbose: boolean): Promise<Report> {
        return { ...report, id };
      }
      @AsyncCached({ refreshEvery: { every: '1m', args: [[1], [2]] }, warmOnStart: () => [[3]] })
      async lists(id: number): Promise<Report> {
        return { ...report, id };
      }
      @AsyncCached({ warmOnStart: [[1]], key: (id: number) => `k${id}` })
      async typedLists(id: number): Promise<Report> {
        return { ...report, id };
      }
      // @ts-expect-error the argument is a number
      @AsyncCached({ warmOnStart: [['1']] })
      async wrongLists(id: number): Promise<Report> {
        return { ...report, id };
      }
      @AsyncCached(60, { tags: (value: Report, id) => [`${value.owner} ${id}`] })
      async partly(id: number): Promise<Report> {
        return { ...report, id };
      }
      // @ts-expect-error the method gives a Report
      @AsyncCached({ tags: (value: string[]) => value })
      async wrongValue(): Promise<Report> {
        return report;
      }
      // @ts-expect-error the argument is a number
      @AsyncCached({ key: (id: string) => id })
      async wrongArgument(id: number): Promise<Report> {
        return { ...report, id };
      }
      // @ts-expect-error the argument may be missing
      @AsyncCached({ key: (id: string) => id })
      async optionalArgument(id?: string): Promise<Report> {
        return { ...report, owner: id ?? '' };
      }
      // @ts-expect-error no second argument
      @AsyncCached({ ttl: (_value: Report, _id: number, _more: number) => 5 })
      async missingArgument(id: number): Promise<Report> {
        return { ...report, id };
      }
    }
    expectTypeOf<Service['right']>().toEqualTypeOf<(id: number, verbose?: boolean) => Promise<Report>>();
  });

  it('may be written down beforehand', () => {
    const options: JobOptions<[id: number], Report> = { ttl: '5m', tags: ({ owner }, id) => [owner, `user:${id}`] };
    const common: JobOptions = { ttl: '5m' };
    class Service {
      @AsyncCached(options)
      async profile(id: number): Promise<Report> {
        return { ...report, id };
      }
      @AsyncCached(common)
      async second(id: number): Promise<Report> {
        return { ...report, id };
      }
      // @ts-expect-error of another method
      @AsyncCached(options)
      async third(id: string): Promise<Report> {
        return { ...report, owner: id };
      }
    }
    expectTypeOf<Service['second']>().toEqualTypeOf<(id: number) => Promise<Report>>();
  });
});
