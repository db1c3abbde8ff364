import type { SimProcess } from './process.js';
import type { Fault } from './settings.js';
import type { World } from './world.js';

/** The shortest and the longest duration of a fault, in milliseconds. */
const WINDOW = [200, 4_000] as const;

/** Makes something go wrong for a while, for all processes or for one. */
export function strike(world: World, fault: Fault, process: SimProcess): void {
  const { random, scheduler, weather, queue, origin } = world;
  const ms = random.between(...WINDOW);
  world.note(() => `fault: ${fault} (${process.name}, ${ms} ms)`);
  const later = (end: () => void): void =>
    scheduler.quietly(ms, () => {
      world.note(() => `no more ${fault}`);
      end();
    });
  switch (fault) {
    case 'loss':
      weather.loss = 0.25;
      return later(() => (weather.loss = 0));
    case 'cut':
      process.link.cut = true;
      process.feed?.break();
      return later(() => (process.link.cut = false));
    case 'slow':
      weather.slow = true;
      return later(() => (weather.slow = false));
    case 'outage':
      weather.down = random.pick(['silent', 'refusing']);
      for (const each of world.processes) each.feed?.break();
      return later(() => (weather.down = undefined));
    case 'wipe':
      world.server.wipe();
      if (random.chance(0.5)) queue.wipe();
      return;
    case 'crash':
      process.dead = true;
      if (world.settings.embedded) world.server.wipe();
      scheduler.quietly(ms, () => world.start(process.works));
      return;
    case 'freeze':
      process.frozenUntil = scheduler.now + ms + 1_000;
      return;
    case 'queue':
      if (random.chance(0.3)) return queue.wipe();
      queue.trouble = random.pick(['refuses', 'silent']);
      return later(() => (queue.trouble = undefined));
    case 'origin':
      origin.failing = true;
      return later(() => (origin.failing = false));
    case 'hang':
      origin.hanging = true;
      return later(() => (origin.hanging = false));
    case 'feed':
      process.feed?.break();
      return;
  }
}
