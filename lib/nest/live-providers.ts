import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '../core/errors.js';
import type { Awaitable } from '../core/ports.js';
import type { Class } from './decorated-method.js';
import { type HostModule, seesModule } from './module-visibility.js';

type Token = Parameters<HostModule['providers']['get']>[0];
type Wrapper = NonNullable<ReturnType<HostModule['providers']['get']>>;

/** A class that Nest provides, and how to get an instance of it. */
export interface LiveProvider {
  readonly cls: Class;
  /** Undefined when an instance is made for each request or consumer. */
  readonly instance: object | undefined;
  /** Existing instances into which Nest has not injected properties: made by a factory, or given as values. */
  readonly uninjected: readonly object[];
  readonly wrapper: Wrapper;
  readonly host: HostModule;
}

/**
 * Finds the instances of this application's classes as they are now: providers, controllers, guards and the like. It
 * does not look into modules that cannot see `AsyncCacheModule`, which happens when it is not global.
 */
@Injectable()
export class LiveProviders {
  #byClass: ReadonlyMap<Class, LiveProvider> = new Map();

  constructor(private readonly modules: ModulesContainer) {}

  all(): LiveProvider[] {
    const own = this.#ownModule();
    return [...this.modules.values()]
      .filter((host) => own === undefined || seesModule(host, own))
      .flatMap((host) => wrappersOf(host).map((wrapper) => toLiveProvider(wrapper, host)))
      .filter((provider) => provider !== undefined);
  }

  /** Undefined when no provider has this class or token. */
  find(cls: Class): LiveProvider | undefined {
    if (!this.#byClass.has(cls)) this.#byClass = indexed(this.all());
    return this.#byClass.get(cls);
  }

  /** The first provider of a token, of any module; undefined when there is none. */
  provided(token: unknown): unknown {
    return [...this.modules.values()].map(({ providers }) => providers.get(token as Token)?.instance).find(Boolean);
  }

  /**
   * An instance for a background refresh: the existing one, or a new one in a context whose `REQUEST` is `{
   * asyncCacheJob }`. For a class that is not provided, `otherwise`. Throws a {@link ConfigurationError} when there is
   * none of these, or when it cannot be made.
   */
  resolve(cls: Class, job: string, otherwise?: object): Awaitable<object> {
    const provider = this.find(cls);
    if (provider !== undefined) return provider.instance ?? resolveAnew(provider, job);
    if (otherwise !== undefined) return otherwise;
    throw new ConfigurationError(
      `${job} cannot be refreshed: no provider or controller has the class ${cls.name}`,
      'Register it in a module of this application',
      { job },
    );
  }

  /** Like `resolve`, for one of several instances of a class: the attributes of the instance decide what it fetches. */
  resolverOf(instance: object, job: string): () => Awaitable<object> {
    let isProvided: boolean | undefined;
    const cls = instance.constructor as unknown as Class;
    return () => {
      // Computed when first needed: while Nest is still creating instances, it is not known yet which are made per
      // request.
      isProvided ??= this.all().some((provider) => provider.instance === instance);
      return isProvided ? instance : this.resolve(cls, job, instance);
    };
  }

  /** With two modules, services and the facade could use different caches. */
  assertOnlyGlobal(): void {
    const own = this.#ownModule();
    const twin = [...this.modules.values()].find(({ metatype, isGlobal }) => isGlobal && metatype === own?.metatype);
    if (own?.isGlobal !== true || twin === own) return;
    throw new ConfigurationError(
      `${own.name} is imported twice as a global module`,
      'Import it once, in the root module; or set isGlobal: false, to have one for each of two modules',
    );
  }

  #ownModule(): HostModule | undefined {
    return [...this.modules.values()].find(({ providers }) => providers.get(LiveProviders)?.instance === this);
  }
}

function wrappersOf({ providers, controllers, injectables, middlewares }: HostModule): Wrapper[] {
  return [providers, controllers, injectables, middlewares].flatMap((wrappers) => [...wrappers.values()]);
}

/** By class, and by the token of an abstract class. Of several providers the first counts. */
function indexed(providers: readonly LiveProvider[]): Map<Class, LiveProvider> {
  const index = new Map<Class, LiveProvider>();
  for (const provider of providers) {
    if (!index.has(provider.cls)) index.set(provider.cls, provider);
  }
  for (const provider of providers) {
    const token = provider.wrapper.token as unknown as Class;
    if (typeof token === 'function' && !index.has(token)) index.set(token, provider);
  }
  return index;
}

async function resolveAnew({ wrapper, cls, host }: LiveProvider, job: string): Promise<object> {
  // The reference of the provider's own module, since another module may use the same token for something else.
  const moduleRef = host.providers.get(ModuleRef)?.instance as ModuleRef;
  const context = ContextIdFactory.create();
  moduleRef.registerRequestByContextId({ asyncCacheJob: job }, context);
  try {
    return await moduleRef.resolve<object>(wrapper.token, context, { strict: true });
  } catch (cause) {
    throw new ConfigurationError(
      `${job} cannot be refreshed in the background: ${cls.name} cannot be made without a request${because(cause)}`,
      'Make its constructor work without one (REQUEST is { asyncCacheJob } then), or move the method to a provider of default scope',
      { job, cause },
    );
  }
}

function because(cause: unknown): string {
  return cause instanceof Error ? ` (${cause.message})` : '';
}

function toLiveProvider(wrapper: Wrapper, host: HostModule): LiveProvider | undefined {
  const byClass = typeof wrapper.metatype === 'function' && !wrapper.inject;
  const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
  // A request-scoped provider has no instance to look at before there is a request.
  const there = isStatic ? [wrapper.instance] : transientInstances(wrapper);
  const made = there.filter((instance) => typeof instance === 'object' && instance !== null);
  const cls: unknown = byClass ? wrapper.metatype : classOf(made[0]);
  if (!isClass(cls)) return undefined;
  const instance = isStatic ? made[0] : undefined;
  return { cls, instance, uninjected: byClass ? [] : made, wrapper, host };
}

function transientInstances(wrapper: Wrapper): unknown[] {
  return wrapper.isTransient ? wrapper.getStaticTransientInstances().map((host) => host?.instance) : [];
}

/** Read from the prototype, because a value may be a proxy that returns something for every name, or throws. */
function classOf(instance: object | undefined): unknown {
  return instance && Reflect.getPrototypeOf(instance)?.constructor;
}

function isClass(cls: unknown): cls is Class {
  return typeof cls === 'function' && typeof cls.prototype === 'object' && cls.prototype !== null;
}
