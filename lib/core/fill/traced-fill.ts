import type { Filled } from '../job/filled.js';
import type { Filling } from '../job/filling.js';
import type { JobDefinition } from '../job/job.js';
import type { JobCore } from '../job/job-core.js';
import { traced } from '../job/traced.js';
import type { Target } from '../policy/policy.js';
import type { StepEnding } from '../ports.js';
import { fill, fillMany } from './fill.js';

/** `fill`, inside of a span where somebody traces. */
export function tracedFill(job: JobCore, filling: Filling): Promise<Filled> {
  // Most fills are not traced, and need no step.
  if (job.environment.observer.tracing === undefined) return fill(job, filling);
  const step = { kind: 'fetch', job: job.name, background: filling.background, keys: 1 } as const;
  return traced(job, step, () => fill(job, filling), endingOf);
}

/** `fillMany`, inside of a span where somebody traces. */
export function tracedFillMany(
  job: JobCore,
  target: Target,
  fillings: readonly Filling[],
  fetchMany: NonNullable<JobDefinition['fetchMany']>,
): Promise<Filled[]> {
  const background = fillings[0]?.background === true;
  const step = { kind: 'fetch', job: job.name, background, keys: fillings.length } as const;
  return traced(job, step, () => fillMany(job, target, fillings, fetchMany), endingOfAll);
}

/** In the words of `stats()`: stored, fenced, failed; or unstored, where the value was not to be or could not be stored. */
export function endingOf(filled: Filled): StepEnding {
  switch (filled.kind) {
    case 'stored':
      return { outcome: 'stored' };
    case 'failed':
      return { outcome: 'failed', error: filled.error };
    case 'unstored':
      return { outcome: filled.because === 'unreachable' ? 'unstored' : 'fenced' };
    case 'unwanted':
    case 'refused':
      return { outcome: 'unstored' };
  }
}

/** Of keys that were fetched together: a failure before what was fenced, and that before what was stored. */
export function endingOfAll(filled: readonly Filled[]): StepEnding {
  const endings = filled.map(endingOf);
  for (const outcome of ['failed', 'fenced', 'stored']) {
    const found = endings.find((ending) => ending.outcome === outcome);
    if (found !== undefined) return found;
  }
  return endings[0] ?? { outcome: 'skipped' };
}
