import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { ConfigurationError } from '../core/errors.js';
import type { TargetedJob } from '../core/job/job.js';
import { effectsOf } from './after-write.js';
import { AsyncCacheJob } from './async-cache-job.js';
import { AsyncCacheRuntime } from './async-cache-runtime.js';
import { type Class, decoratedMethodsOf, jobNameOf } from './decorated-method.js';
import { type LiveProvider, LiveProviders } from './live-providers.js';
import { giveRuntime } from './runtime-of.js';

/** A class of one or two letters, as minifiers name them, alone or before a method. */
const SHORTENED = /^[A-Za-z_$][\w$]?(?=\.|$).*/;
const MOST_NAMED = 5;

/** Defines every job of the application at start-up, so that a mistake is found then and not by a reader. */
@Injectable()
export class JobExplorer implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger('AsyncCache');
  /** The instance made by a factory to which a job belongs, by the name of the job. */
  readonly #madeByFactory = new Map<string, object>();

  constructor(
    private readonly runtime: AsyncCacheRuntime,
    private readonly providers: LiveProviders,
  ) {}

  onModuleInit(): void {
    this.providers.assertOnlyGlobal();
    for (const provider of this.providers.all()) this.#defineJobs(provider);
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.runtime.enabled) {
      this.#logger.log('Switched off (enabled: false): every read is a fetch');
      return;
    }
    for (const provider of this.providers.all()) {
      if (provider.instance === undefined) await this.#tryOut(provider);
    }
    for (const { name, core } of this.runtime.cache.jobs()) {
      this.#logger.log(`${name}: ${core.policy.summary}`);
    }
    this.#warnOfShortenedNames();
    for (const { cls } of this.providers.all()) {
      for (const { method, effect } of effectsOf(cls.prototype)) effect.check(this.runtime, method);
    }
    this.runtime.cache.work();
  }

  /**
   * A bundler that shortens names gives one class different letters in each bundle and each release: then a worker takes
   * one job's requests for another's. Only what others see is in danger.
   */
  #warnOfShortenedNames(): void {
    const shortened = [...this.runtime.cache.jobs()]
      .filter(({ core }) => core.store.capabilities.shared)
      .flatMap(({ name }) => SHORTENED.exec(name)?.[0] ?? []);
    if (shortened.length === 0) return;
    this.#logger.warn(
      `The names of these jobs come from classes whose names a bundler has shortened: ${shortened.slice(0, MOST_NAMED).join(', ')}. They are parts of keys and differ between bundles. Keep class names (esbuild: keepNames, terser and swc: keep_classnames), or give each job the option name`,
    );
  }

  #defineJobs(provider: LiveProvider): void {
    const { cls, instance, uninjected } = provider;
    if (!needsRuntime(cls)) return;
    for (const bare of uninjected) if (Object.isExtensible(bare)) giveRuntime(bare, this.runtime);
    const jobs = decoratedMethodsOf(cls).map((method) => this.runtime.defineMethod(cls, method));
    if (isJobClass(cls) && instance !== undefined) jobs.push(this.runtime.jobOfInstance(instance));
    if (uninjected.length > 0 && instance !== undefined) this.#refuseTwins(provider, instance, jobs);
  }

  /** Makes an instance of a request-scoped provider without a request, as a background refresh will have to. */
  async #tryOut({ cls }: LiveProvider): Promise<void> {
    if (!hasJobs(cls)) return;
    const [method] = decoratedMethodsOf(cls);
    const name = method === undefined ? cls.name : jobNameOf(method, cls);
    const instance = await this.providers.resolve(cls, name);
    if (isJobClass(cls)) this.runtime.jobOfInstance(instance);
  }

  /** Two instances of one class, made by factories or given as values, may fetch different things, and would share their entries. */
  #refuseTwins({ cls, wrapper }: LiveProvider, instance: object, jobs: readonly TargetedJob[]): void {
    for (const { name } of jobs) {
      const twin = this.#madeByFactory.get(name);
      if (twin !== undefined && twin !== instance) {
        throw new ConfigurationError(
          `Providers give two different instances of ${cls.name} (one as ${String(wrapper.name)}), which would share the entries of ${name}`,
          'Give each a class of its own, or set an instance attribute `name` on job classes',
          { job: name },
        );
      }
      this.#madeByFactory.set(name, instance);
    }
  }
}

function hasJobs(cls: Class): boolean {
  return isJobClass(cls) || decoratedMethodsOf(cls).length > 0;
}

function needsRuntime(cls: Class): boolean {
  return hasJobs(cls) || effectsOf(cls.prototype).length > 0;
}

function isJobClass(cls: Class): boolean {
  return cls.prototype instanceof AsyncCacheJob;
}
