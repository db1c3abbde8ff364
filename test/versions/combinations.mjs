// What an application may have beside this package. A combination is one line of the table that `run.mjs` prints.
// `quick` marks the oldest and the newest, which `.ci/run` runs.

/** @typedef {{ nest: string, nestBullmq: string, bullmq: string, ioredis: string, node: string, installer: 'npm' | 'pnpm', quick?: true }} Combination */

/** @type {readonly Combination[]} */
export const COMBINATIONS = [
  { nest: '10', nestBullmq: '10.2.3', bullmq: '5.77.0', ioredis: '5', node: '20', installer: 'npm', quick: true },
  { nest: '10', nestBullmq: '11', bullmq: '6', ioredis: '5', node: '20', installer: 'npm' },
  { nest: '11', nestBullmq: '11', bullmq: '5', ioredis: '5', node: '20', installer: 'npm' },
  { nest: '11', nestBullmq: '11', bullmq: '5', ioredis: '5', node: '22', installer: 'pnpm' },
  { nest: '11', nestBullmq: '11', bullmq: '6', ioredis: '5', node: '24', installer: 'npm' },
  { nest: '12', nestBullmq: '12', bullmq: '5', ioredis: '6', node: '22', installer: 'npm' },
  { nest: '12', nestBullmq: '12', bullmq: '6', ioredis: '6', node: '26', installer: 'npm', quick: true },
];
