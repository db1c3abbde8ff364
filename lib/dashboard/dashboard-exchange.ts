import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DashboardRequest } from './dashboard-options.js';

/** One request with its answer, on any platform. */
export interface DashboardExchange {
  /** What the guard is given: the request of Express or Fastify. */
  readonly request: DashboardRequest;
  /** The body as a parser of the platform has left it; undefined where none has. */
  readonly body: unknown;
  readonly raw: IncomingMessage;
  readonly response: ServerResponse;
  /** Answers as the application answers a path that does not exist. */
  readonly notFound: () => void;
  /** The answer will be written to `response`. */
  readonly take: () => void;
}
