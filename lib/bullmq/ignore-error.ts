/**
 * For a connection that is being closed: BullMQ takes its listeners away, and ioredis prints an error that nobody
 * listens to, like that of a frozen server's socket when the server ends at last.
 */
export function ignoreError(): void {
  // Nobody is left who could do something about it.
}
