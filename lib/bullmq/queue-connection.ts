import type { ConnectionOptions } from 'bullmq';

/**
 * True for a client that the application made and goes on using: it must not be closed here, and no listener may stay on
 * it.
 */
export function isSharedConnection(connection: ConnectionOptions): boolean {
  return 'on' in connection;
}

/**
 * Error listener for a connection that is being closed. BullMQ has removed its own listeners by then, and ioredis prints
 * every error that has no listener: for example that of a frozen server's socket when the server finally ends.
 */
export function ignoreError(): void {
  // The connection is not used any more, so the error concerns nobody.
}
