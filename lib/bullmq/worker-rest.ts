import type { Worker } from 'bullmq';
import { ignoreError } from './queue-connection.js';

/** Milliseconds for which a worker takes no requests after Redis refused a command. */
const REST = 1_000;

/**
 * Makes a worker rest after a refusal. BullMQ's loop asks again at once: 7,000 times a second, where an ACL forbids it the
 * scripts.
 */
export class WorkerRest {
  #timer: NodeJS.Timeout | undefined;

  begin(worker: Worker): void {
    if (this.#timer !== undefined) return;
    worker.pause(true).catch(ignoreError);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // In bullmq 5 it returns nothing.
      void Promise.resolve(worker.resume()).catch(ignoreError);
    }, REST).unref();
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
