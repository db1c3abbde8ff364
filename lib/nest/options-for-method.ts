import type { Observable } from 'rxjs';
import type { JobOptions } from '../core/policy/job-options.js';

/** `unknown`, which any method satisfies, if the options fit the method. */
export type OptionsAreFor<Method extends (...args: never[]) => unknown, Options> = [JobOptions] extends [Options]
  ? unknown
  : Options extends OptionsFor<Parameters<Method>, ValueOf<ReturnType<Method>>>
    ? unknown
    : 'the options are for a method with other arguments or another value';

/** For functions that get lists of arguments, the compiler infers lists of any length. */
type OptionsFor<Args extends readonly unknown[], Value> = Omit<JobOptions<Args, Value>, Lists> & {
  refreshEvery?: {
    args?: readonly Readonly<Args>[] | (() => unknown);
    // Named so that a schedule without `args` has a property in common with this type.
    every?: unknown;
    pattern?: unknown;
    tz?: unknown;
  };
  warmOnStart?: readonly Readonly<Args>[] | (() => unknown);
};

/**
 * Options whose functions may declare the types of their parameters; those that do not get `unknown`. The parameters of
 * methods are compared in both directions, which a function's are not.
 */
export type AnyOptions = { [Name in keyof JobOptions]: AnyParameters<JobOptions[Name]> };

type AnyParameters<Option> = Option extends (...args: infer Args) => infer Result
  ? { method(...args: Args): Result }['method']
  : Option;

type ValueOf<Result> = Result extends Promise<infer Value> | Observable<infer Value> ? Value : never;
type Lists = 'refreshEvery' | 'warmOnStart';
/** Refuses options with other names, which a type parameter alone would accept. */
export type NothingBut<Names, Options> = Options & object & Readonly<Record<Exclude<keyof Options, Names>, never>>;
