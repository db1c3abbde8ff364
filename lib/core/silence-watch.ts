/** What a client of a server shows of its connection. */
export interface WatchedConnection {
  /** Undefined: there is none at the moment. */
  readonly stream?: { readonly bytesRead: number } | undefined;
  /** What was asked and has not been answered. */
  readonly commandQueue?: { readonly length: number } | undefined;
  disconnect(reconnect: boolean): void;
}

interface Seen {
  readonly stream: WatchedConnection['stream'];
  readonly bytesRead: number;
  /** When it was seen first. */
  readonly at: number;
}

/**
 * Gives up connections on which a server is silent although it was asked: TCP alone would go on hoping for minutes, at a
 * server that hangs while another one has long taken its place. Only looks, so that it costs a command nothing.
 *
 * Not ioredis's `socketTimeout`: in ioredis 5 its timer outlives the connection that it was for, and ends the next one.
 */
export class SilenceWatch {
  readonly #seen = new WeakMap<WatchedConnection, Seen>();

  constructor(
    /** Milliseconds. */
    private readonly longest: number,
  ) {}

  /** To be called now and then, more often than once in the longest silence. */
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
