/** The members of a client that show the state of its connection. */
export interface WatchedConnection {
  /** Undefined while there is no connection. */
  readonly stream?: { readonly bytesRead: number } | undefined;
  /** Commands that were sent and have not been answered. */
  readonly commandQueue?: { readonly length: number } | undefined;
  disconnect(reconnect: boolean): void;
}

interface Seen {
  readonly stream: WatchedConnection['stream'];
  readonly bytesRead: number;
  /** When this state was first seen. */
  readonly at: number;
}

/**
 * Closes connections whose server was asked and does not answer, so that their clients reconnect. TCP alone would wait
 * for minutes for a server that hangs while another one has taken its place. Commands cost nothing extra, since the
 * state of the connection is only looked at now and then.
 *
 * ioredis's `socketTimeout` is not used: in ioredis 5 its timer outlives its connection and closes the next one.
 */
export class ConnectionWatchdog {
  readonly #seen = new WeakMap<WatchedConnection, Seen>();

  constructor(
    /** Milliseconds. */
    private readonly longest: number,
  ) {}

  /** Call it regularly, more often than once in the longest silence. */
  look(connections: Iterable<WatchedConnection>, now = performance.now()): void {
    for (const connection of connections) {
      const { stream, commandQueue } = connection;
      const seen = this.#seen.get(connection);
      const isAsked = commandQueue !== undefined && commandQueue.length > 0;
      if (stream === undefined || !isAsked) {
        this.#seen.delete(connection);
      } else if (seen?.stream !== stream || seen.bytesRead !== stream.bytesRead) {
        this.#seen.set(connection, { stream, bytesRead: stream.bytesRead, at: now });
      } else if (now - seen.at > this.longest) {
        this.#seen.delete(connection);
        connection.disconnect(true);
      }
    }
  }
}
