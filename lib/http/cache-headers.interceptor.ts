import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { finalize, type Observable, tap } from 'rxjs';
import { ReadCollector } from '../core/job/read-collector.js';
import { CACHE_HEADERS, type CacheHeadersSettings } from './cache-headers.decorator.js';
import { headersOf } from './headers-of.js';

/** Metadata of Nest's own decorators, for responses whose status or body comes after the handler. */
const REDIRECT = '__redirect__';
const SSE = '__sse__';

interface Request {
  readonly method?: string;
}

/** The members that Express and Fastify have in common. */
interface Response {
  readonly statusCode: number;
  readonly headersSent?: boolean;
  /** Fastify only. */
  readonly sent?: boolean;
  getHeader(name: string): unknown;
}

/**
 * Tells clients and intermediate caches how long a response may be used, from the cached reads that were made for it.
 * Writes `Cache-Control`, `Age` and `Cache-Status` (RFC 9211) for GET and HEAD with a 2xx answer, when at least one
 * cached read was made, none failed, and the handler set no `Cache-Control` itself. A hit outside of such requests
 * costs nothing more.
 */
@Injectable()
export class CacheHeadersInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http' || !this.#isCacheable(context)) return next.handle();
    const collector = new ReadCollector();
    // Nest binds the handler to the async context in which handle() is called.
    return collector
      .run(() => next.handle())
      .pipe(
        tap({
          complete: () => {
            this.#write(context, collector);
          },
        }),
        finalize(() => {
          collector.close();
        }),
      );
  }

  #isCacheable(context: ExecutionContext): boolean {
    const { method } = context.switchToHttp().getRequest<Request>();
    if (method !== 'GET' && method !== 'HEAD') return false;
    const handler = context.getHandler();
    return [REDIRECT, SSE].every((key) => this.reflector.get<unknown>(key, handler) === undefined);
  }

  #write(context: ExecutionContext, { reads }: ReadCollector): void {
    const response = context.switchToHttp().getResponse<Response>();
    const { statusCode, headersSent, sent } = response;
    if (headersSent === true || sent === true || statusCode < 200 || statusCode > 299) return;
    if (response.getHeader('Cache-Control') !== undefined) return;
    const targets = [context.getHandler(), context.getClass()];
    const headers = headersOf(reads, this.#settingsOf(targets));
    for (const [name, value] of Object.entries(headers ?? {})) {
      this.adapterHost.httpAdapter.setHeader(response, name, value);
    }
  }

  /** The settings of the route come before those of its controller. */
  #settingsOf(targets: Parameters<Reflector['getAll']>[1]): CacheHeadersSettings {
    const [ofRoute, ofController] = this.reflector.getAll<(CacheHeadersSettings | undefined)[]>(CACHE_HEADERS, targets);
    return {
      scope: ofRoute?.scope ?? ofController?.scope,
      staleIfError: ofRoute?.staleIfError ?? ofController?.staleIfError,
    };
  }
}
