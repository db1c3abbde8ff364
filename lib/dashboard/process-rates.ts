import type { DurationBuckets } from '../nest/duration-buckets.js';
import type { ProcessReport, ReportedEvent } from '../nest/process-report.js';

/** Turns the counts of one process into rates, by comparing its reports. Between two reports the rates stay as they are. */
export class ProcessRates {
  #jobs: Readonly<Record<string, readonly number[]>> = {};
  #waits = { count: 0, seconds: 0 };
  #last: ProcessReport;
  #lastSerial: number;

  constructor(first: ProcessReport) {
    this.#last = first;
    this.#lastSerial = Math.max(0, ...first.events.map(({ serial }) => serial));
  }

  get report(): ProcessReport {
    return this.#last;
  }

  /** Events a second, by job, in the order of `COUNTED`. */
  get jobs(): Readonly<Record<string, readonly number[]>> {
    return this.#jobs;
  }

  /** Refreshes that began between the last two reports, and the seconds that they had waited. */
  get waits(): { readonly count: number; readonly seconds: number } {
    return this.#waits;
  }

  /** Takes a report, adds the fetches since the former one to `durations`, and returns the events since then. */
  take(report: ProcessReport, durations: DurationBuckets): readonly ReportedEvent[] {
    const last = this.#last;
    const seconds = report.uptime - last.uptime;
    this.#waits = { count: 0, seconds: 0 };
    if (seconds <= 0) return [];
    this.#waits = { count: report.waits - last.waits, seconds: report.waited - last.waited };
    this.#last = report;
    this.#jobs = Object.fromEntries(
      Object.entries(report.jobs).map(([name, counts]) => [
        name,
        counts.map((count, index) => Math.max(0, count - (last.jobs[name]?.[index] ?? 0)) / seconds),
      ]),
    );
    const before = new Map(last.durations);
    for (const [bucket, count] of report.durations) {
      const former = before.get(bucket) ?? 0;
      // A process that was not watched for a while has begun to count anew.
      durations.addCount(bucket, count >= former ? count - former : count);
    }
    const events = report.events.filter(({ serial }) => serial > this.#lastSerial);
    this.#lastSerial = Math.max(this.#lastSerial, ...events.map(({ serial }) => serial));
    return events;
  }
}
