import { beforeAll, describe, expect, it } from 'vitest';
import { ensurePostgres } from '../support/ensure-postgres.js';
import { Demo } from './demo.js';

describe('demo:orm: the control fails', { timeout: 400_000 }, () => {
  beforeAll(() => void ensurePostgres());

  it('where writes make nothing stale', async () => {
    const demo = new Demo(['prisma'], { INVALIDATE: 'false' });
    expect(await demo.exitCode()).toBe(1);
    expect(demo.failures()).toEqual(
      expect.arrayContaining([
        'once it was acknowledged, old rows were marked as stale',
        'then both web processes had what is new',
        'the worker fetched once',
      ]),
    );
  });

  it('where nothing is cached', async () => {
    const demo = new Demo(['typeorm'], { CACHE: 'false' });
    expect(await demo.exitCode()).toBe(1);
    expect(demo.failures()).toEqual(
      expect.arrayContaining([
        'the database was asked once',
        'the ten later reads were hits',
        'before the commit London is as it was, and fresh',
        'nothing is stale, and London is as it was',
        'the database was left alone',
      ]),
    );
  });

  it('where web processes refresh instead of the worker', async () => {
    const demo = new Demo(['typeorm'], { REFRESH_IN: 'web' });
    expect(await demo.exitCode()).toBe(1);
    expect(demo.failures()).toContain('nobody waited: no read of a web process asked the database');
  });
});
