import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './answer.js';

/** Readers, and what they got. */
export class Traffic {
  readonly answers: Answer[] = [];
  readonly failures: unknown[] = [];
  readonly #underWay = new Set<Promise<void>>();

  constructor(private readonly onProgress: (traffic: Traffic) => void) {}

  get underWay(): number {
    return this.#underWay.size;
  }

  of(status: Answer['status']): Answer[] {
    return this.answers.filter((answer) => answer.status === status);
  }

  /** This many readers at the same moment. */
  async atOnce(readers: number, read: (reader: number) => Promise<Answer>): Promise<void> {
    await this.#whileWaiting(Promise.all(Array.from({ length: readers }, (_, reader) => this.#count(read(reader)))));
  }

  async one(read: () => Promise<Answer>): Promise<Answer> {
    const answer = await read();
    this.answers.push(answer);
    return answer;
  }

  /**
   * A new reader every few milliseconds, whether or not earlier ones have their answer, as it is with people. Ends when
   * `done` is true for an answer, or after `seconds`.
   */
  async steadily(
    {
      perSecond,
      seconds,
      done = () => false,
    }: { perSecond: number; seconds: number; done?: (answer: Answer) => boolean },
    read: (reader: number) => Promise<Answer>,
  ): Promise<void> {
    const start = performance.now();
    let over = false;
    for (let reader = 0; !over && reader < perSecond * seconds; reader++) {
      const due = start + (reader / perSecond) * 1000;
      if (due > performance.now()) await sleep(due - performance.now());
      void this.#count(read(reader), (answer) => (over ||= done(answer)));
      this.onProgress(this);
    }
    await this.#whileWaiting(Promise.all(this.#underWay));
  }

  #count(answer: Promise<Answer>, onAnswer: (answer: Answer) => void = () => {}): Promise<void> {
    const counted = answer
      .then(
        (arrived) => {
          this.answers.push(arrived);
          onAnswer(arrived);
        },
        (error: unknown) => void this.failures.push(error),
      )
      .finally(() => this.#underWay.delete(counted));
    this.#underWay.add(counted);
    return counted;
  }

  async #whileWaiting(work: Promise<unknown>): Promise<void> {
    const ticking = setInterval(() => this.onProgress(this), 100);
    try {
      await work;
    } finally {
      clearInterval(ticking);
    }
  }
}
