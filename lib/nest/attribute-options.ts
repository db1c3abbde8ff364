import { ConfigurationError } from '../core/errors.js';
import { type JobOptions, OPTION_NAMES } from '../core/policy/job-options.js';
import { isPlainObject } from '../core/value/obstacle.js';

/** The method of a job class that completes its attributes by what only the class knows. Called when the job is defined. */
export const DERIVED_OPTIONS = Symbol.for('nestjs-async-cache derived options');

/**
 * The method of a job class that turns what `fetch` returned into what is stored. Its `processResult` makes the value of
 * that again.
 */
export const STORED_FORM = Symbol.for('nestjs-async-cache stored form');

interface Deriving {
  [DERIVED_OPTIONS]?(attributes: JobOptions): JobOptions;
}

/** The options of an instance of a job class. Throws a {@link ConfigurationError} for wrong ones. */
export function optionsOfInstance(instance: object & Deriving): JobOptions {
  const attributes = attributeOptions(instance);
  return instance[DERIVED_OPTIONS]?.(attributes) ?? attributes;
}

/** The options among the attributes and methods of an instance. */
function attributeOptions(instance: object): JobOptions {
  const options: Record<string, unknown> = {};
  for (const name of OPTION_NAMES) {
    const value: unknown = Reflect.get(instance, name);
    if (value === undefined) continue;
    refuseStranger(instance, name, value);
    options[name] = value;
  }
  return options;
}

/** A constructor parameter `private readonly queue: Queue` is an attribute named `queue`, too. */
function refuseStranger(instance: object, name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isPlainObject(value)) return;
  const job = instance.constructor.name;
  throw new ConfigurationError(
    `${job} has an attribute ${name} that is a ${value.constructor.name}, and ${name} is an option of a job`,
    'Give the attribute another name',
    { job },
  );
}
