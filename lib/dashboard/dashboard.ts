import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import { StoreError } from '../core/errors.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { LogLimiter } from '../nest/log-limiter.js';
import type { ProcessReporter } from '../nest/process-reporter.js';
import type { DashboardExchange } from './dashboard-exchange.js';
import type { CheckedDashboardOptions, DashboardAccess } from './dashboard-options.js';
import { FleetView } from './fleet-view.js';
import { KeyBrowser } from './key-browser.js';
import { pageDocument } from './page-document.js';
import { PageFiles } from './page-files.js';
import { Refusal } from './refusal.js';
import { requestBody } from './request-body.js';
import { foreignOrigin } from './same-origin.js';
import { writeSecurityHeaders } from './security-headers.js';
import { serverSentEvent, Viewers } from './viewers.js';
import { WriteTokens } from './write-tokens.js';

const WRITES = ['refresh', 'invalidate', 'delete'] as const;
type WriteName = (typeof WRITES)[number];

/** A request that the guard has let in. */
interface Admitted extends DashboardExchange {
  readonly access: Exclude<DashboardAccess, 'none'>;
  /** The path below that of the dashboard, without a slash at the beginning. */
  readonly place: string;
  readonly query: URLSearchParams;
}

/** Answers the requests of one dashboard. What the guard does not let in is answered by the application. */
export class Dashboard {
  readonly #keys: KeyBrowser;
  readonly #tokens: WriteTokens;
  readonly #files = new PageFiles();
  readonly #viewers: Viewers;
  readonly #view: FleetView;
  readonly #logger = new Logger('AsyncCacheDashboard');
  readonly #limiter = new LogLimiter({
    writeLeftOut: (kind, count) => {
      this.#logger.warn(`${String(count)} more of the same kind were not logged: ${kind}`);
    },
  });

  constructor(
    private readonly options: CheckedDashboardOptions,
    runtime: AsyncCacheRuntime,
    reporter: ProcessReporter,
  ) {
    this.#keys = new KeyBrowser(runtime);
    this.#tokens = new WriteTokens(reporter);
    this.#view = new FleetView(runtime, reporter, (update) => {
      this.#viewers.send(serverSentEvent('update', update));
    });
    this.#viewers = new Viewers((isViewed) => {
      this.#view.switch(isViewed);
    });
  }

  /** Whether a request is for this dashboard. */
  concerns(url: string): boolean {
    const [path = ''] = url.split('?', 1);
    return path === this.options.path || path.startsWith(`${this.options.path}/`);
  }

  /** Never rejects. */
  async answer(exchange: DashboardExchange): Promise<void> {
    const access = await this.#accessOf(exchange);
    if (access === 'none') {
      exchange.notFound();
      return;
    }
    const { response, raw } = exchange;
    exchange.take();
    writeSecurityHeaders(response);
    try {
      const [path = '', query = ''] = (raw.url ?? '').split(/\?(.*)/s, 2);
      const place = path.slice(this.options.path.length + 1);
      await this.#route({ ...exchange, access, place, query: new URLSearchParams(query) });
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  close(): void {
    this.#viewers.close();
    this.#view.switch(false);
    this.#limiter.close();
  }

  async #accessOf({ request }: DashboardExchange): Promise<DashboardAccess> {
    let access: unknown;
    try {
      access = await this.options.guard(request);
      if (access === 'none' || access === 'read' || access === 'write') return access;
    } catch (error) {
      this.#log('guard', 'The guard of the dashboard failed, so the request was turned away', error);
      return 'none';
    }
    this.#log('answer', `The guard of the dashboard answered ${typeof access}, so the request was turned away`);
    return 'none';
  }

  async #route(admitted: Admitted): Promise<void> {
    const { place, raw, response, access, query } = admitted;
    const write = WRITES.find((name) => name === place);
    if (write !== undefined) return this.#write(write, admitted);
    if (raw.method !== 'GET' && raw.method !== 'HEAD') throw this.#wrongMethod(response, 'GET, HEAD');
    if (this.#files.has(place)) {
      const { type, bytes } = await this.#files.get(place);
      send(response, type, bytes);
      return;
    }
    const parameter = (name: string): string => query.get(name) ?? '';
    switch (place) {
      case '':
        this.#sendPage(admitted);
        return;
      case 'stream':
        this.#stream(admitted);
        return;
      case 'session':
        sendJson(response, { access, token: access === 'write' ? await this.#tokens.issue() : null });
        return;
      case 'jobs':
        sendJson(response, this.#keys.jobs());
        return;
      case 'keys':
        sendJson(response, await this.#keys.find(parameter('job'), parameter('prefix'), parameter('cursor')));
        return;
      case 'key':
        sendJson(response, await this.#keys.show(parameter('job'), parameter('key'), access === 'write'));
        return;
      default:
        throw new Refusal(404, 'The dashboard has no such page.');
    }
  }

  #sendPage({ response, raw }: Admitted): void {
    const [path = ''] = (raw.url ?? '').split('?', 1);
    const nonce = randomBytes(16).toString('base64');
    writeSecurityHeaders(response, nonce);
    // Relative, so that a proxy may publish the page under another path.
    const base = path.endsWith('/') ? '' : `${path.slice(path.lastIndexOf('/') + 1)}/`;
    send(response, 'text/html; charset=utf-8', pageDocument({ nonce, base }));
  }

  #stream({ response, raw }: Admitted): void {
    if (raw.method === 'HEAD') throw this.#wrongMethod(response, 'GET');
    if (this.#viewers.isFull) throw new Refusal(503, 'Too many pages are open. Close one.');
    this.#viewers.add(response, serverSentEvent('past', this.#view.past));
  }

  async #write(name: WriteName, { raw, body, response, access }: Admitted): Promise<void> {
    if (raw.method !== 'POST') throw this.#wrongMethod(response, 'POST');
    if (access !== 'write') throw new Refusal(403, 'You may only look.');
    const foreign = foreignOrigin(raw.headers);
    if (foreign !== undefined) throw new Refusal(403, foreign);
    if (!(await this.#tokens.accepts(raw.headers['x-async-cache-token']))) {
      throw new Refusal(403, 'The token is missing, wrong or too old. Load the page again.', 'token');
    }
    const { job, key } = await requestBody(raw, body);
    switch (name) {
      case 'refresh':
        await this.#keys.refresh(job, key);
        break;
      case 'invalidate':
        await this.#keys.invalidate(job, key);
        break;
      case 'delete':
        await this.#keys.delete(job, key);
        break;
    }
    sendJson(response, { done: name });
  }

  #wrongMethod(response: DashboardExchange['response'], allowed: string): Refusal {
    response.setHeader('Allow', allowed);
    return new Refusal(405, `The method must be ${allowed}.`);
  }

  #refuse({ response }: DashboardExchange, error: unknown): void {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (error instanceof Refusal) {
      const { status, message, code } = error;
      response.statusCode = status;
      // What is left of a long body need not be received.
      if (status === 413) response.setHeader('Connection', 'close');
      sendJson(response, code === undefined ? { error: message } : { error: message, code });
      return;
    }
    response.statusCode = error instanceof StoreError ? 503 : 500;
    if (response.statusCode === 500) this.#log('failure', 'A request of the dashboard failed', error);
    const message =
      error instanceof StoreError ? 'The store does not answer. Try again.' : 'Something failed: see the log.';
    sendJson(response, { error: message });
  }

  #log(kind: string, text: string, error?: unknown): void {
    if (!this.#limiter.allows(kind)) return;
    if (error === undefined) this.#logger.error(text);
    else this.#logger.error(`${text}: ${inspect(error, { depth: 0, compact: true }).split('\n', 1).join()}`);
  }
}

function sendJson(response: DashboardExchange['response'], data: unknown): void {
  send(response, 'application/json; charset=utf-8', JSON.stringify(data));
}

function send(response: DashboardExchange['response'], type: string, body: string | Buffer): void {
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body);
}
