import type { ConnectionOptions } from 'bullmq';
import { ConnectionWatchdog, type WatchedConnection } from '../core/store/connection-watchdog.js';
import type { Backend } from './backend-of.js';
import { isSharedConnection } from './queue-connection.js';

/** Milliseconds, longer than a working server needs for any of BullMQ's scripts. */
const LONGEST_SILENCE = 10_000;
const LOOK_INTERVAL = 1_000;

/**
 * Makes BullMQ reconnect when Redis was asked and does not answer. Does nothing for a connection that the application
 * shares, since the application may wait on it for as long as it likes. Returns a function that stops it.
 */
export function dropSilentConnection(backend: Backend, connection: ConnectionOptions): () => void {
  if (isSharedConnection(connection)) return () => undefined;
  const silence = new ConnectionWatchdog(LONGEST_SILENCE);
  const connections: WatchedConnection[] = [];
  backend.client.then(
    (client) => connections.push(client as unknown as WatchedConnection),
    // BullMQ reports connection errors by its `error` event, so there is nothing to do here.
    () => undefined,
  );
  const timer = setInterval(() => {
    silence.look(connections);
  }, LOOK_INTERVAL).unref();
  return () => {
    clearInterval(timer);
  };
}
