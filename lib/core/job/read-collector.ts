import { AsyncLocalStorage } from 'node:async_hooks';
import { currentFlow } from './fetch-flow.js';

/** How one read ended, for code that sums up many reads. In seconds. */
export interface CollectedRead {
  readonly status: 'hit' | 'stale' | 'miss';
  readonly age: number;
  /** How much longer the value is fresh; negative when it is stale already. */
  readonly freshFor: number;
  /** How long the value may be served after its freshness, or from now on if it is stale. */
  readonly staleFor: number;
  /** For a miss: whether the value is in the store now. */
  readonly stored: boolean;
  /** Whether the reader got an error. */
  readonly failed: boolean;
}

const storage = new AsyncLocalStorage<ReadCollector>();
let open = 0;

/** Collects the reads that are made in one async flow, such as that of a request. */
export class ReadCollector {
  readonly reads: CollectedRead[] = [];
  #isOpen = true;

  constructor() {
    open++;
  }

  add(read: CollectedRead): void {
    this.reads.push(read);
  }

  run<Result>(run: () => Result): Result {
    return storage.run(this, run);
  }

  /** Call it when nothing is to be collected any more: a hit costs more while a collector is open. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    open--;
    // As in `FetchFlow`: a storage that has ever run makes every promise slower.
    if (open === 0) storage.disable();
  }
}

/**
 * The collector of the caller's flow. Reads inside a fetch count for the value that it makes and are not collected.
 * Costs one comparison while no collector is open.
 */
export function currentCollector(): ReadCollector | undefined {
  if (open === 0) return undefined;
  return currentFlow() === undefined ? storage.getStore() : undefined;
}
