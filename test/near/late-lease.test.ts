import { expect, it } from 'vitest';
import { GuardedStore } from '../../lib/core/store/guarded-store.js';
import { NearWorld } from './near-world.js';

it('a lease that is granted too late is given back, although the store is left alone for a moment', async () => {
  const { shared, clock } = new NearWorld();
  const guarded = new GuardedStore(shared.store, 500, clock);
  const { reached, release } = shared.hold('acquire', 'answer');
  const late = guarded.acquire('key', { lease: 10_000, respectBackoff: false, takeOver: false });
  const refused = expect(late).rejects.toThrow('did not answer');
  await reached;
  await clock.advance(500);
  await refused;
  shared.state = 'dead';
  for (let failure = 0; failure < 3; failure++) await expect(guarded.read('other')).rejects.toThrow();
  await expect(guarded.read('other')).rejects.toThrow('left alone');
  shared.state = 'up';
  release();
  await clock.advance(1);
  const next = await shared.store.acquire('key', { lease: 10_000, respectBackoff: false, takeOver: false });
  expect(next.kind).toBe('granted');
});
