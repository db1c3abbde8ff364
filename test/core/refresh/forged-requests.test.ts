import { describe, expect, it } from 'vitest';
import type { RefreshRequest } from '../../../lib/core/ports.js';
import { Process } from '../../support/core-harness.js';

interface Scene {
  readonly process: Process;
  readonly fetched: unknown[][];
  request(part: Partial<RefreshRequest>): Promise<readonly string[]>;
}

/** A job J with `fetchMany` in batches of 50, and a job K whose keys an attacker wants to fill with J's data. */
function open(options = {}): Scene {
  const process = new Process();
  const fetched: unknown[][] = [];
  const fetchMany = (lists: readonly unknown[][]): unknown[] => {
    fetched.push([...lists]);
    return lists.map(([id]) => `J of ${String(id)}`);
  };
  process.job((id: string) => `J of ${id}`, { batchSize: 50, ...options }, { fetchMany });
  process.job((id: string) => `K of ${id}`, {}, { name: 'K' });
  const request = async (part: Partial<RefreshRequest>): Promise<readonly string[]> => {
    const whole = { job: 'J', key: 'J:"a"', generation: '', args: ['a'], options: {}, ...part };
    await process.recorded.request([whole]);
    return (await process.recorded.run()).map(({ kind }) => kind);
  };
  return { process, fetched, request };
}

const other = (key: string, id: unknown): { key: string; generation: string; args: unknown[] } => ({
  key,
  generation: '',
  args: [id],
});

describe('a request from a queue that others can write to', () => {
  it('control: one with the arguments of its keys runs', async () => {
    const { process, request } = open();
    expect(await request({ others: [other('J:"b"', 'b')] })).toEqual(['stored']);
    expect(process.observer.of('stored').map(({ key }) => key)).toEqual(['J:"a"', 'J:"b"']);
  });

  it.each([
    ['further keys of another job', { others: [other('J:"b"', 'b'), other('K:"c"', 'c')] }],
    ['further keys of another version', { others: [other('J@2:"b"', 'b')] }],
    ['further keys with arguments of another key', { others: [other('J:"b"', 'mallory')] }],
    ['arguments of another key', { args: ['mallory'] }],
    ['arguments that are no key', { args: [Symbol.iterator] }],
    ['more arguments than its key has', { args: ['a', 'mallory'] }],
    ['a key that is hashed and arguments of another', { key: `J:~${'A'.repeat(43)}`, args: ['mallory'] }],
    ['200,000 further keys', { others: Array.from({ length: 200_000 }, (_, id) => other(`J:${String(id)}`, id)) }],
  ])('with %s fetches and fills nothing, and is reported once', async (_, part) => {
    const { process, fetched, request } = open();
    const outcomes = await request(part);
    expect(outcomes.every((kind) => kind === 'skipped' || kind === 'failed')).toBe(true);
    expect(fetched).toEqual([]);
    expect(process.observer.of('stored')).toEqual([]);
    expect([...process.observer.of('queue-failed'), ...process.observer.of('refresh-failed')]).toHaveLength(1);
  });

  it('with more keys than `batchSize`, as of a release that has a larger one, is fetched in batches of this one', async () => {
    const { fetched, request } = open();
    await request({ others: Array.from({ length: 119 }, (_, id) => other(`J:${String(id)}`, id)) });
    expect(fetched.map((lists) => lists.length)).toEqual([50, 50, 20]);
  });

  it('is taken as it is where key() of the user decides', async () => {
    const { request } = open({ key: () => 'mine' });
    expect(await request({ key: 'J:"mine"', args: ['whatever'] })).toEqual(['stored']);
  });

  it('with an instance of a class that extends a Map is accepted, although it travels as a Map', async () => {
    const { request } = open();
    expect(await request({ key: 'J:Sub Map{"a"=>1}', args: [new Map([['a', 1]])] })).toEqual(['stored']);
  });

  it('with unknown names: 1,000 of them are reported', async () => {
    const { process, request } = open();
    for (let name = 0; name < 1_200; name++) {
      await request({ job: `X${String(name)}`, key: `X${String(name)}:` });
      process.recorded.reset();
    }
    expect(process.observer.of('unknown-job')).toHaveLength(1_000);
  });
});
