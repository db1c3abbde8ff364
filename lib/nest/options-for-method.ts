import type { Observable } from 'rxjs';
import type { JobOptions } from '../core/job-options.js';

/** `unknown` if the options are for the method: nothing more is asked of it. */
export type OptionsAreFor<Method extends (...args: never[]) => unknown, Options> = [JobOptions] extends [Options]
  ? unknown
  : Options extends OptionsFor<Parameters<Method>, ValueOf<ReturnType<Method>>>
    ? unknown
    : 'the options are for a method with other arguments or another value';

/** Of a function that gets lists of arguments, the compiler infers lists of any length. */
type OptionsFor<Args extends readonly unknown[], Value> = Omit<JobOptions<Args, Value>, Lists> & {
  refreshEvery?: { args?: readonly Readonly<Args>[] | (() => unknown) };
  warmOnStart?: readonly Readonly<Args>[] | (() => unknown);
};

/** Options whose functions say their parameters' types. */
export type TypedOptions = Omit<JobOptions<never[], never>, Lists | 'processResult'> &
  Pick<JobOptions, Lists> & { processResult?: (value: never, read: never) => unknown };

type ValueOf<Result> = Result extends Promise<infer Value> | Observable<infer Value> ? Value : never;
type Lists = 'refreshEvery' | 'warmOnStart';
/** Refuses options of other names, which a type parameter by itself would take. */
export type NothingBut<Names, Options> = Options &
  object &
  Readonly<Record<Exclude<keyof Options, Names>, never>>;
