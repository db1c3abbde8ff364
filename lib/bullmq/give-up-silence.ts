import type { ConnectionOptions, Queue } from 'bullmq';
import { SilenceWatch, type WatchedConnection } from '../core/silence-watch.js';
import { isSharedConnection } from './is-shared-connection.js';

/** Longer than a server that works may need for one of BullMQ's scripts. */
const LONGEST_SILENCE = 10_000;
const LOOK_INTERVAL = 1_000;

/**
 * Has BullMQ connect anew where Redis has been asked and says nothing. Not for a connection that the application shares:
 * it may wait on it for as long as it likes. Returns how to stop.
 */
export function giveUpSilence(backend: ReturnType<Queue['getBackend']>, connection: ConnectionOptions): () => void {
  if (isSharedConnection(connection)) return () => undefined;
  const silence = new SilenceWatch(LONGEST_SILENCE);
  const connections: WatchedConnection[] = [];
  backend.client.then(
    (client) => connections.push(client as unknown as WatchedConnection),
    // Told by the event.
    () => undefined,
  );
  const timer = setInterval(() => {
    silence.look(connections);
  }, LOOK_INTERVAL).unref();
  return () => {
    clearInterval(timer);
  };
}
