import type { InjectionToken } from '@nestjs/common';
import type { JobOptions } from '../core/policy/job-options.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import type { EntityModel } from './entity-model.js';
import type { EntitySource } from './entity-source.js';

/** The options of a job, and where its entity is. */
export interface EntityJobOptions extends JobOptions {
  /** Name of the data source. *Default:* `'default'`. */
  dataSource?: string;
  /** False: writes of the entity invalidate nothing, so its reads are as old as their ttl lets them be. *Default:* true. */
  invalidate?: boolean;
  /**
   * False: each reader gets rows of its own, which it may change and save. True: readers share frozen rows, which costs
   * nothing. *Default:* false.
   */
  readOnly?: boolean;
}

/** What an adapter is to the shared code: how its ORM names and finds entities. */
export interface Orm<Entity, Database extends object> {
  /** As people write it. */
  readonly name: string;
  /** What an application without the data source should import. */
  readonly module: string;
  nameOf(entity: Entity): string;
  /** The token under which Nest provides a data source. */
  tokenOf(dataSource: string): InjectionToken;
  /** The entity in a data source. Throws a `ConfigurationError` when it is unknown there. */
  connect(database: Database, entity: Entity, place: EntityPlace): EntitySource;
  /** Begins to watch the writes and transactions of a data source: once for each. Undefined where they are not reported. */
  watch(database: Database, dataSource: string): WatchedDatabase | undefined;
}

/** What reads need of a `DatabaseWatch`, whatever its ORM has for a transaction. */
export interface WatchedDatabase {
  readonly transactions: { current(): object | undefined };
  /** An application reads this entity. @param invalidate false: writes of the entity invalidate nothing there. */
  serve(runtime: AsyncCacheRuntime, model: EntityModel, invalidate: boolean): void;
}

/** Where and for whom an entity is read. */
export interface EntityPlace {
  /** The name of the job. */
  readonly job: string;
  /** The name of the data source. */
  readonly dataSource: string;
  /** Whether its reads are cached and its writes must be reported. */
  readonly needsWrites: boolean;
}

/** The name of an entity in tags: without that of the default data source. */
export function tagNameIn(dataSource: string, entity: string): string {
  return dataSource === 'default' ? entity : `${dataSource}.${entity}`;
}
