import type { Answer } from './answer.js';
import { inMilliseconds, percentile } from './latencies.js';
import type { Story } from './story.js';

/** Prints how many reads were a miss, a hit or stale, and how long they took. Returns their numbers. */
export function tellReads(story: Story, answers: readonly Answer[]): Record<Answer['status'], number> {
  const seen = { miss: 0, hit: 0, stale: 0 };
  for (const status of ['miss', 'hit', 'stale'] as const) {
    const waits = waitsOf(answers.filter((answer) => answer.status === status));
    seen[status] = waits.length;
    if (waits.length > 0)
      tellRow(story, status, waits.length, 'read', `p50 ${wait(waits, 50)}   p99 ${wait(waits, 99)}`);
  }
  return seen;
}

export function tellRow(story: Story, what: string, howMany: number, of: string, details: string): void {
  const number = howMany.toLocaleString('en').padStart(7);
  const noun = `${of}${of === 'read' && howMany !== 1 ? 's' : ''}`.padEnd(9);
  story.tell(`${what.padEnd(9)}${number} ${noun} ${details}`.trimEnd());
}

export function waitsOf(answers: readonly Answer[]): number[] {
  return answers.map(({ milliseconds }) => milliseconds);
}

function wait(waits: readonly number[], percent: number): string {
  return inMilliseconds(percentile(waits, percent)).padStart(8);
}
