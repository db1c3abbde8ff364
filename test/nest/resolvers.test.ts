import { createRequire } from 'node:module';
import { Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  AbstractGraphQLDriver,
  Args,
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
import { AsyncCached } from 'nestjs-async-cache';
import { expect, it } from 'vitest';
import { MINUTE, startHttpApp } from './support/start-app.js';

// The copy of graphql that Nest loads. The test runner would load another build of the package, and a schema refuses
// foreign ones.
const { graphql } = createRequire(import.meta.url)('graphql') as { graphql: typeof Graphql };

/** Makes the schema with its resolvers and serves it nowhere; the test runs it. */
class SchemaOnly extends AbstractGraphQLDriver {
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
}

@ObjectType()
class User {
  @Field(() => Int)
  id!: number;
  @Field()
  name!: string;
}

@Resolver(() => User)
class Users {
  runs = 0;

  @Query(() => User)
  @AsyncCached(60)
  async user(@Args('id', { type: () => Int }) id: number): Promise<User> {
    return Object.assign(new User(), { id, name: `user ${id} ${++this.runs}` });
  }

  @AsyncCached({ ttl: 60, key: (user: User) => String(user.id) })
  @ResolveField(() => String)
  async motto(@Parent() user: User): Promise<string> {
    return `motto of ${user.id} ${++this.runs}`;
  }
}

@Injectable({ scope: Scope.REQUEST })
class Caller {
  constructor(@Inject(REQUEST) readonly request: { asyncCacheJob?: string; req?: { caller: string } }) {}
}

@Resolver()
class PerRequest {
  constructor(private readonly caller: Caller) {}

  @AsyncCached(60)
  @Query(() => String)
  async whoami(): Promise<string> {
    const { request } = this.caller;
    return request.asyncCacheJob ?? request.req?.caller ?? 'nobody';
  }
}

it('GraphQL: queries, fields and request-scoped resolvers are cached and refreshed', async () => {
  const { http, pass, log } = await startHttpApp({
    imports: [GraphQLModule.forRoot({ driver: SchemaOnly, autoSchemaFile: true })],
    providers: [Users, PerRequest, Caller],
  });
  const { schema } = http.get(GraphQLSchemaHost);
  const ask = async (source: string) => {
    const { data, errors } = await graphql({ schema, source, contextValue: { req: { caller: 'ann' } } });
    expect(errors).toBe(undefined);
    return JSON.parse(JSON.stringify(data)) as unknown;
  };
  const source = '{ user(id: 7) { name motto } whoami }';
  const first = { user: { name: 'user 7 1', motto: 'motto of 7 2' }, whoami: 'ann' };
  expect(await ask(source)).toEqual(first);
  expect(await ask(source)).toEqual(first);
  await pass(MINUTE + 1);
  expect(await ask(source)).toEqual(first);
  await pass(0);
  expect(await ask(source)).toEqual({
    user: { name: 'user 7 3', motto: 'motto of 7 4' },
    whoami: 'PerRequest.whoami',
  });
  expect(log.own('error')).toEqual([]);
});
