import type { StepEnding, TracedStep } from '../ports.js';
import type { JobCore } from './job-core.js';

/** Runs a step inside of its span, where somebody traces. */
export function traced<Result>(
  { environment }: JobCore,
  step: TracedStep,
  run: () => Promise<Result>,
  endingOf: (result: Result) => StepEnding,
): Promise<Result> {
  const { tracing } = environment.observer;
  return tracing === undefined ? run() : tracing.around(step, run, endingOf);
}
