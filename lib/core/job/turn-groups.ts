import type { FetchFlow } from './fetch-flow.js';
import type { Filled } from './filled.js';
import type { Filling } from './filling.js';
import type { Target } from '../policy/policy.js';

/** What one fetch may share: an instance, a context as text, and the fetch that it is a part of. */
export interface Shared {
  readonly target: Target;
  readonly context: string;
  readonly flow: FetchFlow | undefined;
}

/** Starts the fetches of some keys, and answers with the outcome of each. */
type FillTogether = (own: readonly Filling[]) => readonly Promise<Filled>[];

/**
 * Misses of single reads in one turn of the event loop, whose keys are fetched together. Each read claims its own key;
 * the fetch begins when the turn is over and every claim has been answered.
 */
export class TurnGroup {
  readonly #own: Filling[] = [];
  readonly #outcomes: Promise<readonly Promise<Filled>[]>;
  #claiming = 0;
  #allAnswered: () => void = () => undefined;

  /** `fill` is called once, in the async context in which the group was made. */
  constructor(turn: Promise<void>, fill: FillTogether) {
    this.#outcomes = this.#end(turn, fill);
  }

  /** A read is going to claim its key. Call `answered` when it knows. */
  claiming(): void {
    this.#claiming++;
  }

  answered(): void {
    this.#claiming--;
    if (this.#claiming === 0) this.#allAnswered();
  }

  /** Fetches a key whose lease was granted with the others. Call it before `answered`. */
  async fill(filling: Filling): Promise<Filled> {
    const index = this.#own.push(filling) - 1;
    const filled = await (await this.#outcomes)[index];
    if (filled === undefined) throw new RangeError(`no outcome for ${filling.key}`);
    return filled;
  }

  async #end(turn: Promise<void>, fill: FillTogether): Promise<readonly Promise<Filled>[]> {
    await turn;
    if (this.#claiming > 0) {
      await new Promise<void>((resolve) => {
        this.#allAnswered = resolve;
      });
    }
    return this.#own.length === 0 ? [] : fill(this.#own);
  }
}

/**
 * The groups of this turn. No tenant, no instance and no nested fetch is given what belongs to another, since each has
 * groups of its own.
 */
export class TurnGroups {
  readonly #open = new Map<Target, (Shared & { readonly group: TurnGroup })[]>();

  /** The open group, or a new one. `turn` resolves at the end of this turn of the event loop. */
  of(shared: Shared, turn: () => Promise<void>, fill: FillTogether): TurnGroup {
    const { target, context, flow } = shared;
    const open = this.#open.get(target);
    const known = open?.find((each) => each.context === context && each.flow === flow);
    if (known !== undefined) return known.group;
    const end = turn();
    if (open === undefined) void end.then(() => this.#open.delete(target));
    const group = new TurnGroup(end, fill);
    this.#open.set(target, [...(open ?? []), { ...shared, group }]);
    return group;
  }
}
