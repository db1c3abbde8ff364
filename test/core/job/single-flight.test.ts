import { describe, expect, it } from 'vitest';
import { SingleFlight } from '../../../lib/core/job/single-flight.js';
import { Gate } from '../../../lib/testing/gate.js';
import { outcomeOf } from '../../support/core-harness.js';

describe('a single flight', () => {
  it('is shared by all callers that want the same while it is running', async () => {
    const gate = new Gate<string>();
    const flights = new SingleFlight<string>();
    const joined = Array.from({ length: 1_000 }, () => flights.run('a', gate.fetch));
    expect(gate.starts).toBe(1);
    gate.release('done');
    expect(new Set(await Promise.all(joined))).toEqual(new Set(['done']));
  });

  it('keeps different things apart, whatever their names', async () => {
    const flights = new SingleFlight<string>();
    const ids = ['a', 'b', 'constructor', '__proto__', ''];
    expect(await Promise.all(ids.map((id) => flights.run(id, async () => id)))).toEqual(ids);
  });

  it('can be looked up while it is under way, and not afterwards', async () => {
    const gate = new Gate<string>();
    const flights = new SingleFlight<string>();
    const running = flights.run('a', gate.fetch);
    expect(await outcomeOf(flights.get('a')!)).toBe('pending');
    expect(flights.get('b')).toBeUndefined();
    gate.release('done');
    await running;
    expect(flights.get('a')).toBeUndefined();
  });

  it('a finished run is not joined', async () => {
    let runs = 0;
    const flights = new SingleFlight<number>();
    expect(await flights.run('a', async () => ++runs)).toBe(1);
    expect(await flights.run('a', async () => ++runs)).toBe(2);
  });

  it('has ended for callers that continue from its end, in any order', async () => {
    let runs = 0;
    const flights = new SingleFlight<number>();
    const again = async (): Promise<number> => {
      await flights.run('a', async () => ++runs);
      return flights.run('a', async () => ++runs);
    };
    expect(await Promise.all([again(), again(), again()])).toEqual([2, 2, 2]);
  });

  it('a failure reaches all that joined, and the next call starts anew', async () => {
    const gate = new Gate<string>();
    const flights = new SingleFlight<string>();
    const joined = [flights.run('a', gate.fetch), flights.run('a', gate.fetch)];
    const settled = Promise.allSettled(joined);
    gate.fail(new Error('down'));
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await flights.run('a', async () => 'up')).toBe('up');
  });
});
