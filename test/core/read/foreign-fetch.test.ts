import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../lib/memory/memory-store.js';
import { NearStore } from '../../../lib/near/near-store.js';
import { Gate } from '../../../lib/testing/gate.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { outcomeOf, Process, START } from '../../support/core-harness.js';
import { HandFeed } from '../../near/hand-feed.js';

/** Two processes on one store, of which the second fetches and the first waits. */
async function waitingForOther(feed: HandFeed | undefined) {
  const clock = new ManualClock(START);
  const shared = new MemoryStore({ clock });
  const claims: string[] = [];
  class Own extends NearStore {
    override acquire(...args: Parameters<NearStore['acquire']>): ReturnType<NearStore['acquire']> {
      claims.push(args[0]);
      return super.acquire(...args);
    }
  }
  const store = new Own({ store: shared, feed, clock, max: 100, age: 60_000, onFailure: () => undefined });
  const gate = new Gate<string>();
  feed?.restore();
  const own = new Process({ clock, store }).job(() => 'own');
  const other = new Process({ clock, store: shared }).job(() => gate.fetch());
  const filled = other.get('a');
  await gate.started(1);
  const reading = own.get('a');
  await clock.advance(0);
  const fill = async (): Promise<void> => {
    gate.release('filled');
    await filled;
  };
  return { clock, claims, reading, fill, store };
}

describe('a reader that waits for the fetch of another process', () => {
  it('is woken by the feed, without time passing', async () => {
    const feed = new HandFeed();
    const { clock, reading, fill, claims } = await waitingForOther(feed);
    await fill();
    feed.changed('J:"a"');
    await clock.advance(0);
    expect(await reading).toBe('filled');
    // One that was refused, one after the watch had begun, and one after the report.
    expect(claims).toHaveLength(3);
  });

  it('control: while nothing is reported, it looks after 100 ms', async () => {
    const { clock, reading, fill } = await waitingForOther(new HandFeed());
    await fill();
    await clock.advance(99);
    expect(await outcomeOf(reading)).toBe('pending');
    await clock.advance(1);
    expect(await reading).toBe('filled');
  });

  it('without a feed looks in steps that begin short and stay within 25 ms', async () => {
    const { clock, reading, fill, claims } = await waitingForOther(undefined);
    for (let ms = 0; ms < 60; ms++) await clock.advance(1);
    // At 0, 2, 6, 14, 30 and 55 ms.
    expect(claims).toHaveLength(6);
    await fill();
    await clock.advance(25);
    expect(await reading).toBe('filled');
  });

  it('looks at once when the feed is lost, and goes on in short steps', async () => {
    const feed = new HandFeed();
    const { clock, reading, fill } = await waitingForOther(feed);
    feed.lose();
    await clock.advance(0);
    await fill();
    await clock.advance(2);
    expect(await reading).toBe('filled');
  });
});
