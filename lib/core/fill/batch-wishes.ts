import type { Filling } from '../job/filling.js';
import { type FetchWishes, noWishes, type WishesOf } from './fetch-wishes.js';
import { ConfigurationError } from '../errors.js';
import type { JobCore } from '../job/job-core.js';

/** The wishes of a `fetchMany` for each of its values. */
export class BatchWishes {
  readonly #byKey = new Map<string, FetchWishes>();

  constructor(
    private readonly job: JobCore,
    private readonly fillings: readonly Filling[],
  ) {}

  ofKey(key: string): FetchWishes {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const wishes = noWishes();
    this.#byKey.set(key, wishes);
    return wishes;
  }

  /**
   * Throws a {@link ConfigurationError} for a wish that does not name its value, since it would apply to all of them.
   */
  readonly of: WishesOf = (call, args) => {
    const { job } = this;
    const example = call === 'skip' ? 'skip(args)' : `${call}(…, args)`;
    const remedy = `Say for which value: ${example}, with one of the lists of arguments that fetchMany was given`;
    if (args === undefined) {
      throw new ConfigurationError(`${call}() inside fetchMany of ${job.name} says nothing of a value`, remedy, {
        job: job.name,
      });
    }
    const filling = this.fillings.find((each) => each.args === args) ?? this.#ofEqual(args);
    if (filling !== undefined) return this.ofKey(filling.key);
    throw new ConfigurationError(
      `${call}() inside fetchMany of ${job.name} names arguments that it was not given`,
      remedy,
      { job: job.name },
    );
  };

  #ofEqual(args: readonly unknown[]): Filling | undefined {
    const [first] = this.fillings;
    if (first === undefined) return undefined;
    const key = this.job.keys.of(first.target, args, first.context);
    return this.fillings.find((each) => each.key === key);
  }
}
