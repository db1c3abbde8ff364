import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import { complaints, FEW, FEW_WRONG, type Measured, newKeys, type Scenario } from './scenario.js';

const AT_ONCE = 20;

interface Through {
  readonly standstills: number;
  readonly old: number;
}

/**
 * A process with copies is stopped, its keys are deleted meanwhile, and it continues with the reports of the changes
 * waiting in its socket.
 */
export const afterAStandstill: readonly Scenario[] = [
  {
    guarantee: 'G4',
    title: 'deleted values that are hits in a process that stood still, near tier on',
    limit: '0',
    cluster: { ...FEW, near: true },
    size: { short: 20, long: 200 },
    measure,
    control: {
      without: 'the watch over the event loop',
      cluster: { ...FEW_WRONG, near: true, sabotage: 'no-standstill-watch' },
      size: 40,
    },
  },
];

async function measure(cluster: Cluster, size: number): Promise<Measured> {
  let standstills = 0;
  let old = 0;
  const [reader, writer] = cluster.webs;
  if (reader === undefined || writer === undefined) throw new Error('There are no two processes');
  for (let n = 0; n < size; n += AT_ONCE) {
    const keys = newKeys(AT_ONCE);
    const reads = keys.map(async (key) => {
      const { value } = await reader.call<{ value: { version: number } }>('read', 'plain', key);
      cluster.origin.write(key);
      return reader.call<Through>('readThrough', 'plain', key, value.version, 900);
    });
    await sleep(150);
    reader.freeze();
    for (const key of keys) await writer.call('delete', 'plain', key);
    await sleep(300);
    reader.thaw();
    for (const through of await Promise.all(reads)) {
      standstills += through.standstills;
      old += through.old;
    }
  }
  // A process that was not stopped while it read has shown nothing.
  const holds = old === 0 && standstills >= size * 0.9;
  const number = `${old} of ${standstills} standstills`;
  return { n: standstills, number: holds ? number : `${number}, told: ${await complaints(cluster)}`, holds };
}
