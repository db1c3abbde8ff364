import { parseArgs } from 'node:util';

export const USAGE = `npm run bench -- [--quick] [--only hit-memory,fill] [--subjects nestjs-async-cache,map] [--runs 3] [--list]`;

/** Throws with the usage for what it does not know. */
export function argumentsOf(argv, workloads, subjects) {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        quick: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        only: { type: 'string' },
        subjects: { type: 'string' },
        runs: { type: 'string' },
      },
    }));
  } catch (error) {
    throw new Error(`${error.message}\n${USAGE}`, { cause: error });
  }
  const runs = Number(values.runs ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs must be a whole number from 1 on\n${USAGE}`);
  return {
    quick: values.quick,
    list: values.list,
    runs,
    only: listOf(values.only, workloads, 'workload'),
    subjects: listOf(values.subjects, subjects, 'subject'),
  };
}

function listOf(text, known, what) {
  if (text === undefined) return [...known];
  const wanted = text.split(',');
  const unknown = wanted.filter((each) => !known.includes(each));
  if (unknown.length > 0) throw new Error(`no ${what} ${unknown.join(', ')}; there are ${known.join(', ')}\n${USAGE}`);
  return wanted;
}
