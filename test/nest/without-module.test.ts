import { Injectable, Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AsyncCached, refreshContext } from 'nestjs-async-cache';
import { defer, lastValueFrom, type Observable, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';

let warn: MockInstance;
beforeEach(() => {
  warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
});
afterEach(() => warn.mockRestore());

const make = () => {
  @Injectable()
  class Service {
    runs = 0;
    @AsyncCached({ ttl: 60, processResult: () => 'never' })
    async load(id: number): Promise<string> {
      const { signal, setTtl, setTags, skip } = refreshContext();
      setTtl(5);
      setTags(['a']);
      skip();
      return `${id} ${++this.runs} ${signal.aborted}`;
    }
    @AsyncCached(60)
    stream(): Observable<string> {
      refreshContext();
      return defer(() => of('first', `${refreshContext().key}${++this.runs}`));
    }
    @AsyncCached(60)
    synchronous(): Promise<number> {
      throw new Error('at once');
    }
  }
  return Service;
};

describe('a decorated class without the module', () => {
  it('made by hand, calls the method itself, uncached, and says so once per method', async () => {
    const Service = make();
    const service = new Service();
    expect(await service.load(1)).toBe('1 1 false');
    expect(await service.load(1)).toBe('1 2 false');
    await new Service().load(1);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^Service\.load runs uncached/)]]);
  });

  it('made by Nest, too', async () => {
    const Service = make();
    const app = await Test.createTestingModule({ providers: [Service] }).compile();
    expect(await app.get(Service).load(1)).toBe('1 1 false');
    expect(await app.get(Service).load(1)).toBe('1 2 false');
    expect(warn).toHaveBeenCalledTimes(1);
    await app.close();
  });

  it('gives Observables as they are, with a refresh context for each subscription', async () => {
    const Service = make();
    const stream = new Service().stream();
    const values: string[] = [];
    stream.subscribe((value) => values.push(value));
    expect(values).toEqual(['first', '1']);
    expect(await lastValueFrom(stream)).toBe('2');
  });

  it('throws what the method throws', () => {
    const Service = make();
    expect(() => new Service().synchronous()).toThrow('at once');
  });
});

it('refreshContext() outside of a fetch says where it works', () => {
  expect(() => refreshContext()).toThrow(/Call it inside fetch or the decorated method/);
});
