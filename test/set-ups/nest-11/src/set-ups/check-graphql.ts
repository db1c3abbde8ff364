import 'reflect-metadata';
import assert from 'node:assert/strict';
import { ApolloDriver, ApolloDriverConfig } from '@nestjs/apollo';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Field, GraphQLModule, Int, ObjectType, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { AsyncCacheJob, AsyncCacheModule } from 'nestjs-async-cache';

const ORDERS = 50;

@ObjectType()
class Customer {
  @Field(() => Int) id!: number;
  @Field(() => String) name!: string;
}

@ObjectType()
class Order {
  @Field(() => Int) id!: number;
}

const nameOf = (id: number): Customer => ({ id, name: `customer ${id}` });

@Injectable()
class Customers extends AsyncCacheJob {
  ttl = 60;
  readonly queries: number[] = [];
  async fetch(id: number): Promise<Customer> {
    this.queries.push(1);
    return nameOf(id);
  }
  async fetchMany(list: readonly [number][]): Promise<Customer[]> {
    this.queries.push(list.length);
    return list.map(([id]) => nameOf(id));
  }
}

/** The same without `fetchMany`. */
@Injectable()
class SingleCustomers extends AsyncCacheJob {
  ttl = 60;
  readonly queries: number[] = [];
  async fetch(id: number): Promise<Customer> {
    this.queries.push(1);
    return nameOf(id);
  }
}

@Resolver(() => Order)
class OrderResolver {
  constructor(
    private readonly customers: Customers,
    private readonly single: SingleCustomers,
  ) {}

  @Query(() => [Order])
  orders(): Order[] {
    return Array.from({ length: ORDERS }, (_, id) => ({ id }));
  }

  @ResolveField(() => Customer)
  customer(@Parent() { id }: Order): Promise<Customer> {
    return this.customers.get(id);
  }

  @ResolveField(() => Customer)
  single_(@Parent() { id }: Order): Promise<Customer> {
    return this.single.get(id);
  }
}

@Module({
  imports: [
    AsyncCacheModule.forRoot(),
    GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true }),
  ],
  providers: [Customers, SingleCustomers, OrderResolver],
})
class OrdersModule {}

/** Fifty resolvers of one list are one `fetchMany`; without it they are fifty fetches. */
async function check(): Promise<void> {
  const app = await NestFactory.create(OrdersModule, { logger: ['warn', 'error'] });
  await app.listen(0, '127.0.0.1');
  const ask = async (query: string): Promise<{ data: { orders: Record<string, Customer>[] } }> => {
    const response = await fetch(`${await app.getUrl()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    return response.json();
  };
  const names = Array.from({ length: ORDERS }, (_, id) => `customer ${id}`);
  for (let n = 0; n < 2; n++) {
    const { data } = await ask('{ orders { id customer { name } } }');
    assert.deepEqual(
      data.orders.map(({ customer }) => customer?.name),
      names,
    );
  }
  assert.deepEqual(app.get(Customers).queries, [ORDERS]);
  await ask('{ orders { id single_ { name } } }');
  assert.equal(app.get(SingleCustomers).queries.length, ORDERS);
  await app.close();
  console.log('passed');
}

void check();
