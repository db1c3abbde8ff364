import { QueueError } from '../core/errors.js';

/**
 * Reports errors that BullMQ emits. During an outage three connections try to reconnect every second and emit an error
 * each time, so only the first is reported.
 */
export class OutageReporter {
  #down = false;

  constructor(private readonly report: (error: QueueError) => void) {}

  emitted(error: Error): void {
    stripCommands(error);
    const ofConnection = isConnectionError(error);
    if (ofConnection && this.#down) return;
    this.#down ||= ofConnection;
    this.report(new QueueError(ofConnection ? 'connect' : 'work', { cause: described(error) }));
  }

  recovered(): void {
    this.#down = false;
  }
}

/**
 * Node's socket errors have a textual code and BullMQ's own errors a number. ioredis says in the message what was cut
 * off.
 */
function isConnectionError(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' || /connection is closed|max retries per request/i.test(error.message);
}

/** Where Redis refuses a connection, ioredis's error holds the AUTH command with the password. */
function stripCommands(error: unknown): void {
  for (let at = error; at instanceof Error; at = at.cause) if ('command' in at) delete at.command;
}

/** For a host with several addresses Node's error has no message. */
function described(error: Error): Error {
  if (error.message !== '') return error;
  return new Error((error as NodeJS.ErrnoException).code ?? error.name, { cause: error });
}
