import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensurePostgres } from '../support/ensure-postgres.js';
import { Demo } from './demo.js';

describe('demo:orm', () => {
  beforeAll(() => void ensurePostgres());

  it(
    'passes all its checks with TypeORM and with Prisma, and leaves nothing behind',
    { timeout: 400_000 },
    async () => {
      const demo = new Demo([]);
      expect(await demo.exitCode(), demo.output).toBe(0);
      expect(demo.output).toMatch(/^All 60 checks passed/m);
      await expect.poll(() => demo.leftovers()).toEqual([]);
    },
  );

  it('says in one line where there is no PostgreSQL', async () => {
    const demo = new Demo([], { POSTGRES_BIN: join(tmpdir(), 'no-such-folder') });
    expect(await demo.exitCode()).toBe(1);
    expect(demo.output.trim().split('\n')).toEqual([
      expect.stringMatching(/^There is no PostgreSQL to start: install/),
    ]);
  });

  it('stops its servers when it is interrupted', { timeout: 120_000 }, async () => {
    const demo = new Demo(['typeorm']);
    await demo.says('database was asked once');
    expect(demo.leftovers()).toHaveLength(2);
    demo.process.kill('SIGINT');
    expect(await demo.exitCode()).not.toBe(0);
    await expect.poll(() => demo.leftovers()).toEqual([]);
  });

  it('ends, with its servers, when a process of it dies', { timeout: 120_000 }, async () => {
    const demo = new Demo(['typeorm']);
    await demo.says('database was asked once');
    process.kill(demo.childNamed('worker.js'), 'SIGKILL');
    expect(await demo.exitCode()).toBe(1);
    expect(demo.output).toContain('worker ended with SIGKILL.');
    await expect.poll(() => demo.leftovers()).toEqual([]);
  });
});
