import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { DurationBuckets } from '../nest/duration-buckets.js';
import { COUNTED, type ProcessReport } from '../nest/process-report.js';
import type { ProcessReporter } from '../nest/process-reporter.js';
import type { FleetTick, FleetUpdate, ShownEvent, ShownProcess } from './fleet-tick.js';
import { ProcessRates } from './process-rates.js';
import { readReport } from './read-report.js';

/** Milliseconds. */
const INTERVAL = 1_000;
const STORE_DEADLINE = 1_500;
/** Points that a page gets when it opens: five minutes. */
const MOST_TICKS = 300;
const MOST_EVENTS = 200;
const ALONE =
  'The store does not answer, so only the process that serves this page is shown. Reads are answered meanwhile: see Failure modes in the documentation.';

/** Adds up what the processes report, once a second while at least one page is open, whatever the number of pages. */
export class FleetView {
  readonly #rates = new Map<string, ProcessRates>();
  #ticks: FleetTick[] = [];
  #events: ShownEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isOn = false;

  constructor(
    private readonly runtime: AsyncCacheRuntime,
    private readonly reporter: ProcessReporter,
    private readonly updated: (update: FleetUpdate) => void,
  ) {}

  /** For a page that opens. */
  get past(): { readonly ticks: readonly FleetTick[]; readonly events: readonly ShownEvent[] } {
    return { ticks: this.#ticks, events: this.#events };
  }

  switch(isOn: boolean): void {
    if (this.#isOn === isOn) return;
    this.#isOn = isOn;
    this.reporter.viewed(isOn);
    clearTimeout(this.#timer);
    if (isOn) void this.#run();
    else this.#forget();
  }

  #forget(): void {
    this.#rates.clear();
    this.#ticks = [];
    this.#events = [];
  }

  async #run(): Promise<void> {
    const begun = performance.now();
    const update = await this.#look();
    if (!this.#isOn) return;
    this.updated(update);
    const left = INTERVAL - (performance.now() - begun);
    this.#timer = setTimeout(() => void this.#run(), Math.max(50, left)).unref();
  }

  async #look(): Promise<FleetUpdate> {
    const [others, health] = await Promise.all([this.#others(), this.runtime.cache.health()]);
    const own = this.reporter.watch.report();
    const reports = [own, ...(others ?? [])];
    const durations = new DurationBuckets();
    const events: ShownEvent[] = reports.flatMap((report) => this.#take(report, durations));
    events.sort((one, other) => one.at - other.at);
    const present = new Set(reports.map(({ id }) => id));
    for (const id of [...this.#rates.keys()]) if (!present.has(id)) this.#rates.delete(id);
    const tick: FleetTick = {
      at: Date.now(),
      jobs: this.#sum(),
      median: durations.quantile(0.5) ?? null,
      p99: durations.quantile(0.99) ?? null,
      wait: this.#wait(),
      queue: health.queue ?? null,
    };
    this.#ticks = [...this.#ticks.slice(1 - MOST_TICKS), tick];
    this.#events = [...this.#events, ...events].slice(-MOST_EVENTS);
    return {
      ...tick,
      stores: health.stores,
      failingFor: health.failingFor,
      processes: [...this.#rates.values()].map((rates) => shown(rates, rates.report.id === own.id)),
      events,
      ...(others === undefined ? { problem: ALONE } : {}),
    };
  }

  /** Undefined when the store does not answer in time. */
  async #others(): Promise<ProcessReport[] | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        resolve(undefined);
      }, STORE_DEADLINE).unref();
    });
    try {
      const texts = await Promise.race([this.reporter.others(), late]);
      return texts?.flatMap((text) => readReport(text) ?? []);
    } catch {
      // The page says so.
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  #take(report: ProcessReport, durations: DurationBuckets): ShownEvent[] {
    const known = this.#rates.get(report.id);
    if (known === undefined) {
      this.#rates.set(report.id, new ProcessRates(report));
      return [];
    }
    const process = `${report.host}:${String(report.pid)}`;
    return known.take(report, durations).map(({ serial: _, ...event }) => ({ ...event, process }));
  }

  #wait(): number | null {
    const waits = [...this.#rates.values()].map((rates) => rates.waits);
    const count = waits.reduce((sum, each) => sum + each.count, 0);
    return count === 0 ? null : waits.reduce((sum, { seconds }) => sum + seconds, 0) / count;
  }

  #sum(): Record<string, number[]> {
    const sums = new Map<string, number[]>();
    for (const { jobs } of this.#rates.values()) {
      for (const [name, rates] of Object.entries(jobs)) {
        const sum = sums.get(name) ?? COUNTED.map(() => 0);
        sums.set(
          name,
          sum.map((total, index) => total + (rates[index] ?? 0)),
        );
      }
    }
    return Object.fromEntries([...sums].map(([name, sum]) => [name, sum.map(rounded)]));
  }
}

function shown({ report, jobs }: ProcessRates, here: boolean): ShownProcess {
  const { id, host, pid, works, startedAt, memory } = report;
  const total = (...names: (typeof COUNTED)[number][]): number =>
    Object.values(jobs).reduce(
      (sum, rates) => sum + names.reduce((part, name) => part + (rates[COUNTED.indexOf(name)] ?? 0), 0),
      0,
    );
  const reads = rounded(total('hits', 'stale', 'misses'));
  return { id, host, pid, works, startedAt, memory, reads, fetches: rounded(total('fetches')), here };
}

function rounded(rate: number): number {
  return Math.round(rate * 100) / 100;
}
