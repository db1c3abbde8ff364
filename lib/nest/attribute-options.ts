import { ConfigurationError } from '../core/errors.js';
import { type JobOptions, OPTION_NAMES } from '../core/job-options.js';
import { isPlainObject } from '../core/opaque.js';

/** The options among the attributes and methods of a job class's instance. Throws a {@link ConfigurationError}. */
export function attributeOptions(instance: object): JobOptions {
  const options: Record<string, unknown> = {};
  for (const name of OPTION_NAMES) {
    const value: unknown = Reflect.get(instance, name);
    if (value === undefined) continue;
    refuseStranger(instance, name, value);
    options[name] = value;
  }
  return options;
}

/** `private readonly queue: Queue` in the constructor is an attribute of that name, too. */
function refuseStranger(instance: object, name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isPlainObject(value)) return;
  const job = instance.constructor.name;
  throw new ConfigurationError(
    `${job} has an attribute ${name} that is a ${value.constructor.name}, and ${name} is an option of a job`,
    'Give the attribute another name',
    { job },
  );
}
