import { createRequire } from 'node:module';
import { Injectable } from '@nestjs/common';
import {
  AbstractGraphQLDriver,
  Field,
  GraphQLModule,
  GraphQLSchemaHost,
  Int,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import type { graphql as Graphql } from 'graphql';
import { Redis } from 'ioredis';
import { AsyncCacheJob } from 'nestjs-async-cache';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { startHttpApp } from './support/start-app.js';

// The copy of graphql that Nest loads: see resolvers.test.ts.
const { graphql } = createRequire(import.meta.url)('graphql') as { graphql: typeof Graphql };

/** Makes the schema with its resolvers and serves it nowhere; the test runs it. */
class SchemaOnly extends AbstractGraphQLDriver {
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
}

@Injectable()
class Authors extends AsyncCacheJob {
  ttl = 60;
  readonly queries: string[] = [];

  async fetch(id: number): Promise<string> {
    this.queries.push(`id = ${String(id)}`);
    return `author ${String(id)}`;
  }

  async fetchMany(argsList: [id: number][]): Promise<string[]> {
    this.queries.push(`id in ${argsList.join()}`);
    return argsList.map(([id]) => `author ${String(id)}`);
  }
}

@Injectable()
class AuthorsOneByOne extends AsyncCacheJob {
  ttl = 60;
  readonly queries: string[] = [];

  async fetch(id: number): Promise<string> {
    this.queries.push(`id = ${String(id)}`);
    return `author ${String(id)}`;
  }
}

@ObjectType()
class Book {
  @Field(() => Int)
  id!: number;
}

@Resolver(() => Book)
class Books {
  constructor(
    private readonly authors: Authors,
    private readonly oneByOne: AuthorsOneByOne,
  ) {}

  @Query(() => [Book])
  async books(): Promise<Book[]> {
    return Array.from({ length: 50 }, (_, id) => Object.assign(new Book(), { id }));
  }

  @ResolveField(() => String)
  async author(@Parent() book: Book): Promise<string> {
    return this.authors.get(book.id);
  }

  @ResolveField(() => String)
  async authorAlone(@Parent() book: Book): Promise<string> {
    return this.oneByOne.get(book.id);
  }
}

const url = new URL(inject('redisUrl'));
const connection = { host: url.hostname, port: Number(url.port) };

describe.each([
  ['embedded', {}],
  ['on Redis', { connection, worker: false as const }],
])('the authors of a GraphQL list of fifty books, %s', (_, options) => {
  async function start() {
    const { http } = await startHttpApp({
      imports: [GraphQLModule.forRoot({ driver: SchemaOnly, autoSchemaFile: true })],
      providers: [Books, Authors, AuthorsOneByOne],
      options: { ...options, prefix: `list ${String(Math.random())}` },
    });
    const { schema } = http.get(GraphQLSchemaHost);
    const ask = async (field: string): Promise<unknown> => {
      const { data, errors } = await graphql({ schema, source: `{ books { ${field} } }`, contextValue: {} });
      expect(errors).toBe(undefined);
      return JSON.parse(JSON.stringify(data));
    };
    return { ask, authors: http.get(Authors), oneByOne: http.get(AuthorsOneByOne) };
  }

  const ids = Array.from({ length: 50 }, (_each, id) => id);

  it('are one query, and none the second time', async () => {
    const { ask, authors } = await start();
    const list = { books: ids.map((id) => ({ author: `author ${String(id)}` })) };
    expect(await ask('author')).toEqual(list);
    expect(authors.queries).toEqual([`id in ${ids.join()}`]);
    expect(await ask('author')).toEqual(list);
    expect(authors.queries).toHaveLength(1);
  });

  it('control: without fetchMany they are fifty queries', async () => {
    const { ask, oneByOne } = await start();
    await ask('authorAlone');
    expect(oneByOne.queries).toHaveLength(50);
  });
});

it('with every key under a lease of its own in Redis', async () => {
  const prefix = `list ${String(Math.random())}`;
  const { http } = await startHttpApp({
    providers: [Authors],
    options: { connection, worker: false, prefix },
  });
  const client = new Redis(url.href);
  onTestFinished(() => void client.disconnect());
  const authors = http.get(Authors);
  const seen: number[] = [];
  const query = authors.fetchMany.bind(authors);
  authors.fetchMany = async (argsList) => {
    seen.push((await client.keys(`${prefix}:l:*`)).length);
    return query(argsList);
  };
  await Promise.all([authors.get(1), authors.get(2), authors.get(3)]);
  expect(seen).toEqual([3]);
});
