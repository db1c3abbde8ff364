import type { RefreshHandler, RefreshOutcome, RefreshQueue, RefreshRequest } from '../core/ports.js';
import { Gate } from './gate.js';

export const STORED: RefreshOutcome = { kind: 'stored' };

export function requestOf(key: string, given: Partial<RefreshRequest> = {}): RefreshRequest {
  return { job: 'Job', key, generation: '1', args: [key], options: {}, ...given };
}

/** A queue under test with a handler that blocks, and the steps that its tests have in common. */
export class RefreshQueueDriver {
  readonly handler = new Gate<RefreshOutcome, Parameters<RefreshHandler>>();

  constructor(
    readonly queue: RefreshQueue,
    readonly close: () => Promise<void>,
  ) {}

  get keys(): string[] {
    return this.handler.calls.map(([{ key }]) => key);
  }

  get attempts(): number[] {
    return this.handler.calls.map(([, attempt]) => attempt);
  }

  process(): void {
    this.queue.process(this.handler.fetch);
  }

  async request(...requests: readonly RefreshRequest[]): Promise<void> {
    await this.queue.request(requests);
  }

  /** Makes a request and waits until the queue runs it: by then, everything due before it has been run. */
  async runMarker(starts: number): Promise<void> {
    await this.request(requestOf(`marker ${String(starts)}`));
    await this.handler.started(starts);
    this.handler.release(STORED);
  }

  /** Requests until the request is run, because a queue needs a moment to notice that the last run has ended. */
  async requestUntilRun(request: RefreshRequest, starts: number): Promise<void> {
    while (this.handler.starts < starts) {
      await this.request(request);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async refuses(request: RefreshRequest): Promise<boolean> {
    try {
      await this.request(request);
      return false;
    } catch {
      return true;
    }
  }
}
