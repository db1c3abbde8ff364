import { QueueError } from '../core/errors.js';

/**
 * Reports errors that BullMQ emits. Three connections that each try to reconnect every second emit one error after
 * another: of an outage, only the first is told.
 */
export class OutageReporter {
  #down = false;

  constructor(private readonly report: (error: QueueError) => void) {}

  emitted(error: Error): void {
    const ofConnection = isConnectionError(error);
    if (ofConnection && this.#down) return;
    this.#down ||= ofConnection;
    this.report(new QueueError(ofConnection ? 'connect' : 'work', { cause: described(error) }));
  }

  recovered(): void {
    this.#down = false;
  }
}

/** Node's errors of sockets have a code in words, BullMQ's own have a number; ioredis says in its message what was cut off. */
function isConnectionError(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' || /connection is closed|max retries per request/i.test(error.message);
}

/** Node's error for a host with several addresses has no message. */
function described(error: Error): Error {
  if (error.message !== '') return error;
  return new Error((error as NodeJS.ErrnoException).code ?? error.name, { cause: error });
}
