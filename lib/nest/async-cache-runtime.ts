import type { Cache } from '../core/cache.js';
import { ConfigurationError } from '../core/errors.js';
import type { JobOptions } from '../core/job-options.js';
import type { JobDefinition, TargetedJob } from '../core/job.js';
import { compilePolicy } from '../core/compile-policy.js';
import type { JobPolicy } from '../core/policy.js';
import { UncachedJob } from '../core/uncached-job.js';
import { attributeOptions } from './attribute-options.js';
import { type Class, type DecoratedMethod, jobNameOf } from './decorated-method.js';
import { lastValueOf } from './last-value.js';
import type { LiveProviders } from './live-providers.js';

/** A job, and where its fetches run when no caller brings an instance. */
export interface BoundJob {
  readonly job: TargetedJob;
  readonly resolve: JobDefinition['resolve'];
}

interface Binding extends BoundJob {
  readonly cls: Class;
  /** Undefined for a job class. */
  readonly method: DecoratedMethod | undefined;
}

type Definition = Omit<Binding, 'job'> &
  Pick<JobDefinition, 'name' | 'fetch' | 'fetchMany'> & { readonly options: JobOptions };

/** Binds the instances of one application to their jobs. A job is defined when it is first seen. */
export class AsyncCacheRuntime {
  readonly #byMethod = new Map<DecoratedMethod, Map<unknown, TargetedJob>>();
  readonly #byName = new Map<string, Binding>();

  constructor(
    readonly cache: Cache,
    private readonly providers: LiveProviders,
    private readonly defaults: JobOptions,
    readonly enabled: boolean,
  ) {}

  /** The job of a decorated method of an instance. On the path of every read. */
  jobOfMethod(instance: object, method: DecoratedMethod): TargetedJob {
    const cls = instance.constructor as unknown as Class;
    return this.#byMethod.get(method)?.get(cls) ?? this.defineMethod(cls, method, instance);
  }

  /**
   * Throws a {@link ConfigurationError} for wrong options and for a name that is taken. `instance` is one to refresh
   * with in case that no provider has the class.
   */
  defineMethod(cls: Class, method: DecoratedMethod, instance?: object): TargetedJob {
    const name = jobNameOf(method, cls);
    const { job } = this.#define({
      name,
      cls,
      method,
      options: method.options,
      fetch: method.fetch,
      resolve: () => this.providers.resolve(cls, name, instance),
    });
    const byClass = this.#byMethod.get(method) ?? new Map<unknown, TargetedJob>();
    this.#byMethod.set(method, byClass.set(cls, job));
    return job;
  }

  /** The job that a job class's instance is. Throws a {@link ConfigurationError} as `defineMethod` does. */
  jobOfInstance(instance: object): TargetedJob {
    const cls = instance.constructor as unknown as Class;
    const options = attributeOptions(instance);
    const name = options.name ?? cls.name;
    if (!isJob(instance)) {
      throw new ConfigurationError(
        `${name} has no fetch`,
        'Override fetch(...args): it gets the value that is cached',
        { job: name },
      );
    }
    return this.#define({
      name,
      cls,
      method: undefined,
      options,
      fetch: async (target, args) => lastValueOf((target as JobInstance).fetch(...args)),
      fetchMany: fetchManyOf(instance),
      resolve: this.providers.resolverOf(instance, name),
    }).job;
  }

  /** Every job that is defined, by the order in which they were. */
  jobs(): Iterable<BoundJob> {
    return this.#byName.values();
  }

  #define({ cls, method, resolve, options, ...definition }: Definition): Binding {
    const { name } = definition;
    const known = this.#byName.get(name);
    if (known !== undefined && known.cls === cls && known.method === method) return known;
    if (known !== undefined) throw nameTaken(name, known, { cls, method });
    assertName(name, cls);
    const policy = compilePolicy(name, withDefaults(options, this.defaults));
    const job = this.enabled
      ? this.cache.define({ ...definition, resolve, policy })
      : new UncachedJob(name, fetchAsRead(definition.fetch, policy));
    const binding = { cls, method, job, resolve };
    this.#byName.set(name, binding);
    return binding;
  }
}

interface JobInstance {
  fetch(...args: readonly unknown[]): unknown;
  fetchMany?(argsList: readonly (readonly unknown[])[]): unknown;
}

function isJob(instance: object): instance is JobInstance {
  return 'fetch' in instance && typeof instance.fetch === 'function';
}

function fetchManyOf(instance: JobInstance): JobDefinition['fetchMany'] {
  if (instance.fetchMany === undefined) return undefined;
  // What it returns is the core's to check.
  return async (target, argsList) =>
    (await lastValueOf((target as JobInstance).fetchMany?.(argsList))) as readonly unknown[];
}

/** An option that is set to undefined is one that is not set. */
function withDefaults(options: JobOptions, defaults: JobOptions): JobOptions {
  const set = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}

/** Switched off, a read gives what it would have given: only where the value comes from is different. */
function fetchAsRead(
  fetch: JobDefinition['fetch'],
  { prepareArgs, processResult }: JobPolicy,
): JobDefinition['fetch'] {
  return async (target, given) => {
    const args = prepareArgs === undefined ? given : prepareArgs(target, given);
    const value = await fetch(target, args);
    const came = { key: '', args, status: 'miss', age: 0, refreshing: false, fetched: true } as const;
    return processResult === undefined ? value : processResult(target, value, came);
  };
}

function assertName(name: unknown, cls: Class): void {
  if (typeof name === 'string' && name !== '' && cls.name !== '') return;
  const who = cls.name === '' ? 'A job without a class name' : cls.name;
  throw new ConfigurationError(
    `${who} has the name ${JSON.stringify(name)}`,
    'A job needs a name that is the same in every process: name its class, or set the option `name`',
  );
}

function nameTaken(name: string, ...owners: Pick<Binding, 'cls' | 'method'>[]): ConfigurationError {
  const [one, other] = owners.map(({ cls, method }) =>
    method === undefined ? cls.name : `${cls.name}.${String(method.propertyKey)}`,
  );
  return new ConfigurationError(
    `There are two jobs of the name ${name}: ${String(one)} and ${String(other)}`,
    'Give one of them a name of its own with the option `name`',
    { job: name },
  );
}
