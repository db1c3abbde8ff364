import type { ProcessReport, ReportedEvent } from '../nest/process-report.js';

/** A report that another process has left; undefined when it is not one: it may come from another release. */
export function readReport(text: string): ProcessReport | undefined {
  try {
    const report = JSON.parse(text) as ProcessReport;
    return isReport(report) ? report : undefined;
  } catch {
    return undefined;
  }
}

function isReport(report: Partial<ProcessReport> | null): report is ProcessReport {
  if (typeof report !== 'object' || report === null) return false;
  const { id, host, pid, startedAt, uptime, memory, jobs, waits, waited, durations, events } = report;
  return (
    [id, host].every((text) => typeof text === 'string') &&
    [pid, startedAt, uptime, memory, waits, waited].every(Number.isFinite) &&
    typeof jobs === 'object' &&
    Object.values(jobs).every(areNumbers) &&
    Array.isArray(durations) &&
    durations.every(areNumbers) &&
    Array.isArray(events) &&
    events.every(isEvent)
  );
}

function areNumbers(numbers: unknown): boolean {
  return Array.isArray(numbers) && numbers.every(Number.isFinite);
}

function isEvent(event: Partial<ReportedEvent> | null): boolean {
  if (typeof event !== 'object' || event === null) return false;
  const { serial, at, type, job, key, text } = event;
  return [serial, at].every(Number.isFinite) && [type, job, key, text].every((member) => typeof member === 'string');
}
