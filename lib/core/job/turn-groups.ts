import type { FetchFlow } from './fetch-flow.js';
import type { Arguments, Target } from '../policy/policy.js';

/** A key that has no value, with what a fetch of it needs. */
export interface Missing {
  readonly target: Target;
  readonly key: string;
  readonly args: Arguments;
  readonly context: unknown;
}

/** Missing keys of one turn of the event loop that one fetch may get. */
export interface TurnGroup<Result> {
  readonly members: Map<string, Missing>;
  /** What became of the group, which ends when the turn does. */
  readonly result: Promise<Result>;
}

interface Open<Result> extends TurnGroup<Result> {
  readonly context: string;
  readonly flow: FetchFlow | undefined;
}

/**
 * Groups the missing keys of one turn of the event loop. One group has one instance, one context and one surrounding
 * fetch, so that no tenant and no nested fetch is given what belongs to another.
 */
export class TurnGroups<Result> {
  readonly #open = new Map<Target, Open<Result>[]>();

  /**
   * Joins the open group, or opens one. `end` is called once for each group when the turn is over, in the async context
   * of the member that opened it.
   */
  join(
    missing: Missing,
    context: string,
    flow: FetchFlow | undefined,
    turn: () => Promise<void>,
    end: (members: readonly Missing[]) => Result,
  ): TurnGroup<Result> {
    const { target, key } = missing;
    const groups = this.#open.get(target) ?? [];
    const known = groups.find((group) => group.context === context && group.flow === flow);
    if (known !== undefined) {
      known.members.set(key, missing);
      return known;
    }
    const members = new Map([[key, missing]]);
    const close = async (): Promise<Result> => {
      await turn();
      groups.splice(groups.indexOf(opened), 1);
      if (groups.length === 0) this.#open.delete(target);
      return end([...members.values()]);
    };
    const opened: Open<Result> = { members, context, flow, result: close() };
    groups.push(opened);
    this.#open.set(target, groups);
    return opened;
  }
}
