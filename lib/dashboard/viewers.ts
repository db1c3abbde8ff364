import type { ServerResponse } from 'node:http';

/** Pages that may be open on one process. */
const MOST = 200;
/** Bytes that may wait for one page in this process, beside what the operating system holds. */
const MOST_WAITING = 256 * 1_024;
/** Milliseconds after which a page has to connect again, so that the guard is asked again. */
const LONGEST_STAY = 5 * 60 * 1_000;

/** The open pages, as streams of server-sent events. One that does not read its stream is dropped. */
export class Viewers {
  readonly #open = new Set<ServerResponse>();

  /** `changed` is called when the first comes and when the last goes. */
  constructor(private readonly changed: (isViewed: boolean) => void) {}

  get size(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= MOST;
  }

  add(response: ServerResponse, greeting: string): void {
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    // A compressing middleware and a buffering proxy would hold events back.
    response.setHeader('Cache-Control', 'no-store, no-transform');
    response.setHeader('X-Accel-Buffering', 'no');
    const stay = setTimeout(() => response.end(), LONGEST_STAY).unref();
    response.on('error', () => undefined);
    response.once('close', () => {
      clearTimeout(stay);
      this.#open.delete(response);
      if (this.#open.size === 0) this.changed(false);
    });
    this.#open.add(response);
    if (this.#open.size === 1) this.changed(true);
    response.write(`retry: 2000\n\n${greeting}`);
  }

  /** Sends text that is an event already to every page. */
  send(text: string): void {
    for (const response of this.#open) {
      if (response.writableLength > MOST_WAITING) response.destroy();
      else response.write(text);
    }
  }

  close(): void {
    for (const response of this.#open) response.destroy();
  }
}

/** An event as its bytes. JSON has no line breaks. */
export function serverSentEvent(type: string, data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
