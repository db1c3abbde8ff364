import type { ChangeFeed, ChangeListener } from '../../lib/core/ports.js';

/** A feed that reports what a test tells it to. */
export class HandFeed implements ChangeFeed {
  live = false;
  closed = false;
  #listener: ChangeListener | undefined;

  subscribe(listener: ChangeListener): void {
    this.#listener = listener;
  }

  changed(...keys: string[]): void {
    this.#listener?.changed(keys);
  }

  lose(): void {
    this.live = false;
    this.#listener?.lost();
  }

  restore(): void {
    this.#listener?.restored();
    this.live = true;
  }

  close(): void {
    this.closed = true;
    this.live = false;
  }
}
