import { beforeEach, describe, expect, it } from 'vitest';
import { ConnectionWatchdog } from '../../../lib/core/store/connection-watchdog.js';

const LONGEST = 3_000;

class Connection {
  stream: { bytesRead: number } | undefined = { bytesRead: 0 };
  commandQueue: { length: number } | undefined = { length: 0 };
  readonly ended: boolean[] = [];
  disconnect(reconnect: boolean): void {
    this.ended.push(reconnect);
  }
}

describe('a connection', () => {
  let connection: Connection;
  let watch: ConnectionWatchdog;
  let now: number;
  beforeEach(() => {
    connection = new Connection();
    watch = new ConnectionWatchdog(LONGEST);
    now = 0;
  });

  /** Looks twice a second. */
  function pass(ms: number, meanwhile?: () => void): void {
    for (const end = now + ms; now < end; now += 500) {
      meanwhile?.();
      watch.look([connection], now);
    }
  }

  it('on which nothing was asked may be silent for ever', () => {
    pass(60_000);
    connection.commandQueue = undefined;
    pass(60_000);
    expect(connection.ended).toEqual([]);
  });

  it('on which the server does not answer is made anew, after the longest silence and not before', () => {
    connection.commandQueue!.length = 1;
    pass(LONGEST + 500);
    expect(connection.ended).toEqual([]);
    pass(500);
    expect(connection.ended).toEqual([true]);
  });

  it('on which anything arrives is left alone, however much is asked', () => {
    connection.commandQueue!.length = 1_000;
    pass(60_000, () => now % 2_500 === 0 && connection.stream!.bytesRead++);
    expect(connection.ended).toEqual([]);
  });

  it('that was answered and is asked again has its time anew', () => {
    for (let round = 0; round < 10; round++) {
      connection.commandQueue!.length = 1;
      pass(LONGEST);
      connection.commandQueue!.length = 0;
      pass(500);
    }
    expect(connection.ended).toEqual([]);
  });

  it('that was made anew has its time anew, and that without a stream none', () => {
    connection.commandQueue!.length = 1;
    pass(LONGEST);
    connection.stream = undefined;
    pass(60_000);
    connection.stream = { bytesRead: 0 };
    pass(LONGEST);
    connection.stream = { bytesRead: 0 };
    pass(LONGEST);
    expect(connection.ended).toEqual([]);
    pass(1_000);
    expect(connection.ended).toEqual([true]);
  });
});
