import type { Random } from './random.js';

/** What goes wrong, when, and for how long. Times are milliseconds from the start of the run. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly at: number;
  readonly ms: number;
  /** Chooses among the processes that exist at that time. */
  readonly target: number;
}

export type FaultKind = keyof typeof FAULTS;

/** How often each kind occurs relative to the others, and its shortest and longest duration. */
const FAULTS = {
  'kill worker': { weight: 5, ms: [0, 2_000] },
  'kill web': { weight: 2, ms: [0, 1_000] },
  'freeze worker': { weight: 4, ms: [300, 5_000] },
  'freeze web': { weight: 3, ms: [300, 5_000] },
  'kill all workers': { weight: 1, ms: [3_000, 6_000] },
  'kill store': { weight: 2, ms: [0, 2_500] },
  'freeze store': { weight: 2, ms: [200, 2_500] },
  'kill queue': { weight: 2, ms: [0, 2_500] },
  'freeze queue': { weight: 2, ms: [200, 2_500] },
  'fail origin': { weight: 2, ms: [500, 2_500] },
} as const;

const KINDS = Object.keys(FAULTS) as FaultKind[];
const WEIGHTED = KINDS.flatMap((kind) => Array.from({ length: FAULTS[kind].weight }, () => kind));

/** First one of each kind in random order, if the run is long enough, then by weight. */
export function planFaults(random: Random, ms: number): PlannedFault[] {
  const bag = shuffled(KINDS, random);
  const faults: PlannedFault[] = [];
  let at = 1_000;
  for (;;) {
    const kind = bag.pop() ?? random.of(WEIGHTED);
    const [least, most] = FAULTS[kind].ms;
    const fault = { kind, at, ms: random.between(least, most), target: random.next() };
    // The next fault often begins while this one lasts, and sometimes when everything works again.
    at += random.between(500, 5_000);
    if (fault.at + fault.ms > ms) return faults;
    faults.push(fault);
  }
}

function shuffled<One>(all: readonly One[], random: Random): One[] {
  return all
    .map((one) => ({ one, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ one }) => one);
}
