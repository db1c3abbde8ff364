import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LostInvalidations } from '../../../lib/orm/lost-invalidations.js';
import { type RedisServer, startRedis } from '../../support/redis-server.js';
import type { OrmUnderTest } from './orm-under-test.js';
import { usePostgres } from './postgres.js';

const NAMES = ['Ann', 'Bob', 'Cid', 'Dan', 'Eve'];
const IDS = NAMES.map((_, index) => index + 1);
/** Of the user whom nobody writes while Redis is away. */
const LAST = NAMES.length;
const WRITTEN = IDS.slice(0, -1);

/** What must hold when Redis is down at the moment of a commit: no mark can be set, and nothing be invalidated. */
export function describeLostRedis(orm: OrmUnderTest): void {
  const postgres = usePostgres();

  /** All users are hits, and then some are written while Redis is away. Returns what a second process reads. */
  async function writeWithout(away: (redis: RedisServer) => unknown, back: (redis: RedisServer) => unknown) {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const options = { connection: { url: redis.url }, prefix: `test-${randomUUID()}` };
    const app = await orm.start(postgres.server, { options });
    const read = (id: number) => app.users.getJob.read(...orm.where({ id }));
    const names = () => Promise.all(IDS.map(async (id) => (await read(id)).value.name));
    await app.add(NAMES.slice(2));
    await expect
      .poll(async () => (await Promise.all(IDS.map(read))).every(({ status }) => status === 'hit'))
      .toBe(true);
    const runtime: object = app.app.get(Symbol.for('nestjs-async-cache runtime'), { strict: false });
    const { cache } = runtime as { cache: { invalidateTags(tags: readonly string[]): Promise<void> } };
    const invalidations = vi.spyOn(cache, 'invalidateTags');
    const isTaken = () => invalidations.mock.settledResults.some(({ type }) => type === 'fulfilled');
    await away(redis);
    // The writer sees nothing of it: the cache keeps nobody from writing.
    for (const id of WRITTEN) await app.rename(id, 'new');
    const rows = await postgres.server.query('SELECT name FROM account ORDER BY id', app.database);
    expect(rows.map(({ name }) => name)).toEqual([...WRITTEN.map(() => 'new'), 'Eve']);
    const failed = (type: string) => app.events.filter((event) => event.type === type);
    expect(failed('queue-failed').filter(({ job }) => job === 'nestjs-async-cache.doubtful-writes')).toHaveLength(1);
    expect(failed('invalidation-failed')).toHaveLength(WRITTEN.length);
    await back(redis);
    return { ...app, names, failed, isTaken };
  }

  describe('with a Redis that is away at the moment of a commit', () => {
    it.each<[string, (redis: RedisServer) => unknown, (redis: RedisServer) => unknown]>([
      ['frozen', (redis) => redis.freeze(), (redis) => redis.thaw()],
      ['killed', (redis) => redis.kill(), (redis) => redis.restart()],
    ])('%s, what was written is read once it is back, and each failure is told once', async (_, away, back) => {
      const { names, failed, isTaken } = await writeWithout(away, back);
      await expect.poll(isTaken).toBe(true);
      await expect.poll(names).toEqual([...WRITTEN.map(() => 'new'), 'Eve']);
      for (let turn = 0; turn < 20; turn++) expect(await names()).not.toContain('Ann');
      expect(failed('invalidation-failed')).toHaveLength(WRITTEN.length);
    });

    it('control: what is not repeated leaves old hits', async () => {
      const lost = vi.spyOn(LostInvalidations.prototype, 'add').mockReturnValue();
      onTestFinished(() => lost.mockRestore());
      const { names, rename, isTaken } = await writeWithout(
        (redis) => redis.freeze(),
        (redis) => redis.thaw(),
      );
      expect(lost).toHaveBeenCalled();
      // Until Redis takes invalidations again. A name that the row has already would be no write.
      let writes = 0;
      await expect
        .poll(async () => {
          await rename(LAST, `late ${String(++writes)}`);
          return isTaken();
        })
        .toBe(true);
      const written = NAMES.slice(0, -1);
      await expect.poll(async () => (await names()).some((name) => written.includes(name))).toBe(true);
    });
  });
}
