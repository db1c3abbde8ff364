import { describe, expect, it } from 'vitest';
import { Gate } from '../../lib/testing/gate.js';

describe('Gate', () => {
  it('blocks calls, and releases them in the order in which they came', async () => {
    const gate = new Gate<string, [number]>();
    const started = gate.started(2);
    const [one, two] = [gate.fetch(1), gate.fetch(2)];
    await started;
    await gate.started(1);
    expect([gate.calls, gate.starts, gate.waiting, gate.mostAtOnce]).toEqual([[[1], [2]], 2, 2, 2]);
    gate.release('a');
    gate.fail(new Error('b'));
    await expect(one).resolves.toBe('a');
    await expect(two).rejects.toThrow('b');
    expect([gate.waiting, gate.mostAtOnce]).toEqual([0, 2]);
  });

  it('answers what is blocked and what comes while it is open', async () => {
    const gate = new Gate<number, [number]>();
    const [blocked, failing] = [gate.fetch(1), gate.fetch(-1)];
    gate.open((value) => {
      if (value < 0) throw new Error('negative');
      return value * 2;
    });
    await expect(failing).rejects.toThrow('negative');
    expect(await Promise.all([blocked, gate.fetch(2)])).toEqual([2, 4]);
    await expect(gate.fetch(-2)).rejects.toThrow('negative');
    gate.shut();
    void gate.fetch(3);
    expect(gate.waiting).toBe(1);
  });

  it('says so when there is nothing to release', () => {
    expect(() => new Gate().release(1)).toThrow('No call is blocked');
  });
});
