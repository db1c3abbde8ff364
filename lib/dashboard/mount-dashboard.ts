import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { Dashboard } from './dashboard.js';
import type { DashboardRequest } from './dashboard-options.js';

// The requests are taken before Nest's routes: its guards, pipes and interceptors are made for the routes of the
// application, and may refuse or change what they do not know.

type ExpressRequest = IncomingMessage & { readonly body?: unknown };

/** The members of Fastify that are used here. */
interface Fastify {
  route(route: { method: string[]; url: string; onRequest: FastifyHook; handler: () => void }): void;
}
type FastifyHook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;
type FastifyRequest = DashboardRequest & { readonly raw: IncomingMessage };
interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): void;
  callNotFound(): void;
}

/** Lets the server of an application answer the requests of a dashboard at its path. */
export function mountDashboard(adapter: AbstractHttpAdapter, path: string, dashboard: Dashboard): void {
  if (adapter.getType() === 'fastify') mountOnFastify(adapter.getInstance<Fastify>(), path, dashboard);
  else mountOnExpress(adapter, dashboard);
}

function mountOnExpress(adapter: AbstractHttpAdapter, dashboard: Dashboard): void {
  adapter.use((request: ExpressRequest, response: ServerResponse, next: () => void) => {
    if (!dashboard.concerns(request.url ?? '')) {
      next();
      return;
    }
    void dashboard.answer({
      request: request as DashboardRequest,
      body: request.body,
      raw: request,
      response,
      notFound: next,
      take: () => undefined,
    });
  });
}

/** As a hook of a route, which runs after the hooks of plugins, such as cookies and sessions, and before the body is parsed. */
function mountOnFastify(fastify: Fastify, path: string, dashboard: Dashboard): void {
  const onRequest: FastifyHook = (request, reply) => {
    void dashboard.answer({
      request,
      body: undefined,
      raw: request.raw,
      response: reply.raw,
      notFound: () => {
        reply.callNotFound();
      },
      take: () => {
        reply.hijack();
      },
    });
  };
  for (const url of [path, `${path}/*`]) {
    fastify.route({ method: ['GET', 'HEAD', 'POST'], url, onRequest, handler: () => undefined });
  }
}
