import type { ConnectionOptions } from 'bullmq';

/** A client that the application made and goes on using: nothing is left on it, and it is not closed. */
export function isSharedConnection(connection: ConnectionOptions): boolean {
  return 'on' in connection;
}
