/**
 * A manual clock, a recording queue and gates for tests, and the contract suites for stores and queues.
 *
 * @module nestjs-async-cache/testing
 */
export { Gate } from './gate.js';
export { ManualClock } from './manual-clock.js';
export { RecordingRefreshQueue } from './recording-refresh-queue.js';
export {
  describeRefreshQueue,
  type RefreshQueueContract,
  type RefreshQueueUnderTest,
} from './refresh-queue-contract.js';
export { describeStore, type StoreContract } from './store-contract.js';
export type { StoreUnderTest } from './store-under-test.js';
export type { Expectation, TestFramework } from './test-framework.js';
