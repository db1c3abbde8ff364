import { UnkeyableArgumentError, UnserializableValueError } from '../errors.js';
import type { Arguments } from '../policy/policy.js';
import { isPrimitive } from '../value/portable.js';
import { restoreInstances, toTravelling } from '../value/travelling.js';
import { type Constructor, ValueTypes } from '../value/value-types.js';

/**
 * Copies the arguments of one job. What the caller changes in an argument after the call reaches neither the fetch nor
 * the refresh. A refresh in any process gets what a fetch in the caller gets.
 */
export class ArgumentCopies {
  readonly #job: string;
  readonly #classes: ValueTypes;

  /** @param declared classes of the method's parameters. */
  constructor(job: string, declared: readonly Constructor[], valueTypes: ValueTypes) {
    this.#job = job;
    // Registered classes come last, so that of two classes of one name the registered one wins and keeps its own form.
    const bare = declared.map(({ name, prototype }) => ({ name, prototype, custom: undefined }));
    this.#classes = new ValueTypes([...bare, ...valueTypes]);
  }

  /**
   * The portable form that a request carries. Throws an `UnkeyableArgumentError` for an argument that could not be
   * restored.
   */
  pack(args: Arguments): Arguments {
    if (args.every(isPrimitive)) return args;
    return args.map((argument, index) => {
      try {
        return toTravelling(this.#job, argument, this.#classes);
      } catch (error) {
        if (!(error instanceof UnserializableValueError)) throw error;
        const { path, reason, cause } = error;
        throw new UnkeyableArgumentError(this.#job, index, path, reason, cause, 'handed to a background refresh');
      }
    });
  }

  /** The arguments as they were before `pack`. Throws for an instance of a class that this release does not declare. */
  unpack(args: Arguments): Arguments {
    if (args.every(isPrimitive)) return args;
    return args.map((argument) => restoreInstances(argument, this.#classes));
  }

  /** A copy for a fetch in this process. */
  copy(args: Arguments): Arguments {
    return args.every(isPrimitive) ? args : this.unpack(this.pack(args));
  }
}
