import type { Cache } from '../core/cache.js';
import { ConfigurationError } from '../core/errors.js';
import type { JobOptions } from '../core/policy/job-options.js';
import type { JobDefinition, TargetedJob } from '../core/job/job.js';
import { compilePolicy } from '../core/policy/compile-policy.js';
import type { JobPolicy } from '../core/policy/policy.js';
import type { Observer } from '../core/ports.js';
import { UncachedJob } from '../core/uncached-job.js';
import { optionsOfInstance, STORED_FORM } from './attribute-options.js';
import { type Class, type DecoratedMethod, decoratedMethodOf, jobNameOf } from './decorated-method.js';
import { lastValueOf } from './last-value.js';
import type { LiveProviders } from './live-providers.js';

/** A job, and the instance on which its fetches run when no caller brings one. */
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
  Pick<JobDefinition, 'name' | 'fetch' | 'fetchMany' | 'argumentClasses'> & { readonly options: JobOptions };

/** Binds the instances of one application to their jobs. A job is defined when it is first needed. */
export class AsyncCacheRuntime {
  readonly #byMethod = new Map<DecoratedMethod, Map<unknown, TargetedJob>>();
  readonly #byName = new Map<string, Binding>();

  constructor(
    readonly cache: Cache,
    readonly observer: Observer,
    private readonly providers: LiveProviders,
    private readonly defaults: JobOptions,
    readonly enabled: boolean,
  ) {}

  /** The job of an instance's decorated method. Every read calls it. */
  jobOfMethod(instance: object, method: DecoratedMethod): TargetedJob {
    const cls = instance.constructor as unknown as Class;
    return this.#byMethod.get(method)?.get(cls) ?? this.defineMethod(cls, method, instance);
  }

  /**
   * Throws a {@link ConfigurationError} for wrong options and for a name that is taken. Refreshes use `instance` when
   * no provider has the class.
   */
  defineMethod(cls: Class, method: DecoratedMethod, instance?: object): TargetedJob {
    const name = jobNameOf(method, cls);
    const { job } = this.#define({
      name,
      cls,
      method,
      options: method.options,
      fetch: method.fetch,
      argumentClasses: method.parameterClasses,
      resolve: () => this.providers.resolve(cls, name, instance),
    });
    const byClass = this.#byMethod.get(method) ?? new Map<unknown, TargetedJob>();
    this.#byMethod.set(method, byClass.set(cls, job));
    return job;
  }

  /**
   * The job of a decorated method by its class, or by an abstract class that is provided. Throws a
   * {@link ConfigurationError} when the method is not decorated.
   */
  jobOfClass(cls: Class, method: PropertyKey, instance?: object): BoundJob {
    const key = typeof method === 'number' ? String(method) : method;
    // Looked up only for a class without the method, since that may walk through all providers.
    const own = decoratedMethodOf(cls, key);
    const owner = own === undefined ? this.providers.find(cls)?.cls : cls;
    const decorated = own ?? (owner && decoratedMethodOf(owner, key));
    if (owner !== undefined && decorated !== undefined) {
      const job = this.defineMethod(owner, decorated, instance);
      return { job, resolve: () => instance ?? this.providers.resolve(owner, job.name) };
    }
    throw new ConfigurationError(
      `${cls.name}.${String(method)} is not decorated`,
      'Put @AsyncCached on it, or name a method that has it',
    );
  }

  /** The job of a job class. Rejects with a {@link ConfigurationError} when the class is not provided. */
  async jobOfJobClass(cls: Class): Promise<BoundJob> {
    const instance = await this.providers.resolve(cls, cls.name);
    return { job: this.jobOfInstance(instance), resolve: () => instance };
  }

  /** The job of an instance of a job class. Throws a {@link ConfigurationError} as `defineMethod` does. */
  jobOfInstance(instance: object): TargetedJob {
    const cls = instance.constructor as unknown as Class;
    const options = optionsOfInstance(instance);
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
      fetch: (target, args) => {
        const fetched = lastValueOf((target as JobInstance).fetch(...args));
        // Each promise of a fetch counts in the cost of a fill.
        return hasStoredForm(target) ? fetched.then((value) => storedForm(target, value)) : fetched;
      },
      fetchMany: fetchManyOf(instance),
      resolve: this.providers.resolverOf(instance, name),
    }).job;
  }

  /** What a module of this application provides under a token. */
  provided(token: unknown): unknown {
    return this.providers.provided(token);
  }

  /** Every defined job, in the order of definition. */
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
  [STORED_FORM]?(value: unknown): unknown;
  fetch(...args: readonly unknown[]): unknown;
  fetchMany?(argsList: readonly (readonly unknown[])[]): unknown;
}

function isJob(instance: object): instance is JobInstance {
  return 'fetch' in instance && typeof instance.fetch === 'function';
}

function hasStoredForm(target: object): boolean {
  return STORED_FORM in target;
}

function storedForm(target: object, value: unknown): unknown {
  const { [STORED_FORM]: form } = target as JobInstance;
  return form === undefined ? value : Reflect.apply(form, target, [value]);
}

function fetchManyOf(instance: JobInstance): JobDefinition['fetchMany'] {
  if (instance.fetchMany === undefined) return undefined;
  // The core checks what it returns.
  return async (target, argsList) => {
    const values = (await lastValueOf((target as JobInstance).fetchMany?.(argsList))) as readonly unknown[];
    return Array.isArray(values) ? values.map((value) => storedForm(target, value)) : values;
  };
}

/** An option that is undefined counts as not set. */
function withDefaults(options: JobOptions, defaults: JobOptions): JobOptions {
  const set = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}

/** With `enabled: false` a read returns what it would return otherwise. Only the value is fetched each time. */
function fetchAsRead(fetch: JobDefinition['fetch'], { prepareArgs, processResult }: JobPolicy): JobDefinition['fetch'] {
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
    `Two jobs have the name ${name}: ${String(one)} and ${String(other)}`,
    'Give one of them a name of its own with the option `name`',
    { job: name },
  );
}
