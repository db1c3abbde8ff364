// A web process or a worker on the built package, with the real SDK: spans in memory, metrics for Prometheus. The parent
// tells it what to read, and asks for its spans. `sabotage` takes the link away.
import 'reflect-metadata';
import { metrics, trace } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { NestFactory } from '@nestjs/core';
import { BullMQOtel } from 'bullmq-otel';
import { AsyncCacheJob, AsyncCacheModule } from 'nestjs-async-cache';
import { AsyncCacheOtelModule } from 'nestjs-async-cache/otel';

const { url, prefix, worker, port, sabotage } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit());

const spans = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).register();
const prometheus = new PrometheusExporter({ host: '127.0.0.1', port });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [prometheus] }));

class Quotes extends AsyncCacheJob {
  ttl = '200ms';
  async fetch(symbol) {
    if (symbol === 'GONE') throw new Error('no such symbol');
    return { symbol, pid: process.pid };
  }
}

class App {}
const app = await NestFactory.createApplicationContext(
  {
    module: App,
    imports: [
      AsyncCacheModule.forRoot({
        connection: { url },
        prefix,
        near: false,
        worker: worker ? { concurrency: 2 } : false,
        telemetry: new BullMQOtel('bullmq'),
      }),
      AsyncCacheOtelModule.forRoot(),
    ],
    providers: [Quotes],
  },
  { logger: false },
);
const quotes = app.get(Quotes);
if (sabotage) app.get(Symbol.for('nestjs-async-cache runtime')).observer.tracing.current = () => undefined;

const tracer = trace.getTracer('test');
const calls = {
  /** One read inside of a span, as a request would be. */
  read: (symbol) =>
    tracer.startActiveSpan('request', async (span) => {
      try {
        const { status } = await quotes.read(symbol);
        return { status, ...span.spanContext() };
      } catch (error) {
        return { status: error.message, ...span.spanContext() };
      } finally {
        span.end();
      }
    }),
  spans: () =>
    spans.getFinishedSpans().map((span) => ({
      name: span.name,
      attributes: span.attributes,
      status: span.status.code,
      links: span.links.map(({ context }) => context),
      parent: span.parentSpanContext?.spanId,
      ...span.spanContext(),
    })),
  close: () => app.close(),
};
process.on('message', async ({ id, call, args }) => {
  process.send({ id, result: await calls[call](...args) });
});
process.send({ ready: true });
