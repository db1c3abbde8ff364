import { type Link, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import type { StepEnding, TracedStep, Tracing } from '../core/ports.js';
import type { Measurements } from './measurements.js';
import { fromTraceparent, toTraceparent } from './traceparent.js';

/** The spans `async_cache.fetch` and `async_cache.refresh`, the latter with a link to the span of the read that asked. */
export class SpanTracing implements Tracing {
  constructor(
    private readonly tracer: Tracer,
    private readonly measurements: Measurements,
  ) {}

  current(): string | undefined {
    const context = trace.getActiveSpan()?.spanContext();
    return context === undefined ? undefined : toTraceparent(context);
  }

  around<Result>(
    step: TracedStep,
    run: () => Promise<Result>,
    endingOf: (result: Result) => StepEnding,
  ): Promise<Result> {
    this.measurements.started(step);
    const options = { kind: kindOf(step), attributes: attributesOf(step), links: linksOf(step) };
    return this.tracer.startActiveSpan(`async_cache.${step.kind}`, options, async (span) => {
      try {
        const result = await run();
        const ending = endingOf(result);
        this.measurements.ended(step, ending);
        write(span, ending);
        return result;
      } finally {
        span.end();
      }
    });
  }
}

function kindOf({ kind }: TracedStep): SpanKind {
  return kind === 'refresh' ? SpanKind.CONSUMER : SpanKind.INTERNAL;
}

function attributesOf(step: TracedStep): Record<string, string | number | boolean> {
  const { job, keys } = step;
  const about = step.kind === 'fetch' ? { 'async_cache.background': step.background } : waitOf(step.wait);
  return { 'async_cache.job': job, 'async_cache.keys': keys, ...about };
}

function waitOf(wait: number | undefined): Record<string, number> {
  return wait === undefined ? {} : { 'async_cache.wait': wait / 1_000 };
}

function linksOf(step: TracedStep): Link[] {
  const context = step.kind === 'refresh' && step.trace !== undefined ? fromTraceparent(step.trace) : undefined;
  return context === undefined ? [] : [{ context }];
}

function write(span: Span, { outcome, error }: StepEnding): void {
  span.setAttribute('async_cache.outcome', outcome);
  if (error === undefined) return;
  if (error instanceof Error) span.recordException(error);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
