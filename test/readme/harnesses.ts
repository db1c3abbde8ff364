import { MikroORM } from '@mikro-orm/core';
import type { TestingModule } from '@nestjs/testing';
import mongoose from 'mongoose';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { expect, vi } from 'vitest';
import { TABLES as PRISMA_TABLES } from '../prisma/support/tables.js';
import { type Harness, jobOf, namesOn, type Stage } from './harness.js';

const APP = ['app.module.ts', 'report.service.ts'];

/** A snippet that needs the application of the README, and some more providers. */
function withProviders(files: readonly string[] = [], ...names: string[]): Harness {
  return {
    files: [...APP, ...files],
    run: async (stage, snippet) => {
      const { AppModule, ...others } = stage.exports;
      await snippet(await stage.start(AppModule, ...names.map((name) => others[name])));
    },
  };
}

/** Blocks find their database empty. */
async function emptyDatabase(tables = ''): Promise<void> {
  const client = new pg.Client(process.env['DATABASE_URL']);
  await client.connect();
  await client.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${tables}`);
  await client.end();
}

const mongooseWithoutServer: Harness = {
  files: [...APP, 'product-by-sku.ts'],
  run: async (stage, snippet) => {
    const { AppModule, ProductBySku, Products } = stage.exports;
    // What the query would have found.
    const found = { _id: new mongoose.Types.ObjectId(), sku: 'a-1', price: 3, addedAt: new Date() };
    vi.spyOn(Products, 'findOne').mockReturnValue({ lean: () => ({ exec: async () => found }) });
    await snippet(await stage.start(AppModule, ProductBySku));
  },
};

/** The application of the page on MikroORM, with a visitor. */
async function startVisitors(stage: Stage): Promise<TestingModule> {
  await emptyDatabase();
  const app = await stage.startReal(stage.exports['VisitorsModule']);
  const orm = app.get(MikroORM);
  await orm.schema.create();
  await orm.em.fork().insert(stage.exports['Visitor'], { username: 'ann', isStaff: false });
  return app;
}

/** By the block that it runs: see `Block.id`. */
export const harnesses: Readonly<Record<string, Harness>> = {
  'readme#nestjs-async-cache': withProviders(),
  'profile.service.ts': {
    files: [...APP, 'profile.service.ts'],
    run: async (stage) => {
      const { AppModule, ProfileService } = stage.exports;
      const { app } = await stage.start(AppModule, ProfileService);
      expect(await app.get(ProfileService).profile(1)).toEqual({ id: 1, name: 'Ann' });
      const entry = await jobOf(app, ProfileService, 'profile').peek(1);
      const { tags, storedAt, freshUntil, staleUntil } = entry!;
      expect(tags).toEqual(['user:1']);
      const ttl = Number(freshUntil) - Number(storedAt);
      expect(ttl).toBeGreaterThanOrEqual(270_000);
      expect(ttl).toBeLessThanOrEqual(300_000);
      expect(Number(staleUntil) - Number(freshUntil)).toBe(86_400_000);
    },
  },
  'readme#job-classes': withProviders(['user-tweets.ts'], 'UserTweets', 'TweetsApi'),
  'reading#the-value-and-how-it-came': withProviders(['user-tweets.ts'], 'UserTweets', 'TweetsApi'),
  'reading#a-decorated-method': withProviders(),
  'reading#a-miss-that-does-not-wait': withProviders(['patient-tweets.ts'], 'PatientTweets', 'TweetsApi'),
  'values-and-keys#instances-of-classes': withProviders(['money.service.ts'], 'MoneyService'),
  'values-and-keys#instances-of-classes-2': withProviders(['price-tag.service.ts'], 'PriceTagService'),
  'values-and-keys#keys': withProviders(['search.service.ts'], 'SearchService'),
  'values-and-keys#a-value-for-each-tenant': {
    files: ['tenants.ts'],
    run: async (stage, snippet) => {
      await snippet(await stage.start(stage.exports['TenantsModule']));
    },
  },
  'invalidation-and-tags#one-entry': withProviders(['price.service.ts'], 'PriceService'),
  'invalidation-and-tags#by-decorator': withProviders(['stock.service.ts'], 'StockService'),
  'invalidation-and-tags#by-tag': withProviders(['team.service.ts'], 'TeamService'),
  'invalidation-and-tags#all-entries': withProviders(['price.service.ts'], 'PriceService'),
  'failures#the-origin-fails': withProviders(['exchange-rates.ts'], 'ExchangeRates', 'BankApi'),
  'inside-a-fetch#a-fetch-that-reads-other-cached-values': withProviders(['total.service.ts'], 'TotalService'),
  'inside-a-fetch#inside-a-fetch': withProviders(['feed.service.ts'], 'FeedService', 'FeedsApi'),
  'batches#many-keys-in-one-round-trip': withProviders(['product-prices.ts'], 'ProductPrices'),
  'batches#no-n1': withProviders(['product-prices.ts'], 'ProductPrices'),
  'batches#fill-many-keys': withProviders(['product-prices.ts'], 'ProductPrices'),
  'keeping-warm#keeping-warm': withProviders(['front-page-prices.ts'], 'FrontPagePrices'),
  'watching#watching': withProviders(),
  'redis-and-workers#web-processes-and-workers': {
    files: ['report.service.ts', 'web.module.ts', 'worker.module.ts'],
    run: async (stage, snippet) => {
      const { WebModule, WorkerModule, ReportService } = stage.exports;
      const web = await stage.startReal(WebModule);
      const worker = await stage.startReal(WorkerModule);
      const reports = jobOf(web, ReportService, 'sales');
      await reports.delete('eu');
      const when = async (what: string): Promise<void> => {
        expect(what).toBe('when the worker has refreshed it');
        await expect.poll(async () => (await reports.peek('eu'))?.status, { timeout: 5_000 }).toBe('fresh');
      };
      await snippet({ web, worker, when });
    },
  },
  'two-servers.module.ts': {
    files: ['report.service.ts', 'two-servers.module.ts'],
    run: async (stage) => {
      const { TwoServersModule, ReportService } = stage.exports;
      const app = await stage.startReal(TwoServersModule);
      const reports = app.get(ReportService);
      await reports.sales('two servers');
      expect(await namesOn(process.env['CACHE_REDIS_URL'], `${stage.project.prefix}:e:*`)).toHaveLength(1);
      expect(await namesOn(process.env['CACHE_REDIS_URL'], `${stage.project.prefix}:queue:*`)).toEqual([]);
      expect(await namesOn(process.env['REDIS_URL'], `${stage.project.prefix}:queue:*`)).not.toEqual([]);
      expect(await namesOn(process.env['REDIS_URL'], `${stage.project.prefix}:e:*two servers*`)).toEqual([]);
    },
  },
  'cache-manager.module.ts': {
    files: ['report.service.ts', 'cache-manager.module.ts'],
    run: async (stage) => {
      const { CacheManagerModule, ReportService } = stage.exports;
      const app = await stage.startReal(CacheManagerModule);
      const job = jobOf(app, ReportService, 'sales');
      expect((await job.read('eu')).status).toBe('miss');
      expect((await job.read('eu')).status).toBe('hit');
      await job.invalidate('eu');
      expect((await job.read('eu')).status).toBe('stale');
    },
  },
  'configured.module.ts': {
    files: ['report.service.ts', 'configured.module.ts'],
    run: async (stage) => {
      const { ConfiguredModule, ReportService } = stage.exports;
      const app = await stage.startReal(ConfiguredModule);
      await app.get(ReportService).sales('configured');
      expect(await namesOn(process.env['REDIS_URL'], `${stage.project.prefix}:e:*configured*`)).toHaveLength(1);
    },
  },
  'traced.module.ts': {
    files: ['report.service.ts', 'traced.module.ts'],
    run: async (stage) => {
      const { TracedModule, ReportService } = stage.exports;
      const app = await stage.startReal(TracedModule);
      const job = jobOf(app, ReportService, 'sales');
      expect((await job.read('traced')).status).toBe('miss');
    },
  },
  'health.module.ts': {
    files: [...APP, 'health.module.ts'],
    run: async (stage) => {
      const { AppModule, HealthModule } = stage.exports;
      const url = await stage.startHttp(AppModule, undefined, HealthModule);
      const response = await fetch(`${url}/health`);
      expect(await response.json()).toMatchObject({ status: 'ok', info: { cache: { status: 'up', workers: 1 } } });
    },
  },
  'accounts.module.ts': {
    files: ['prisma.service.ts', 'accounts.module.ts', 'staff-accounts.ts'],
    run: async (stage) => {
      const { AccountsModule, Accounts, PrismaService, StaffAccounts } = stage.exports;
      await emptyDatabase(PRISMA_TABLES);
      const app = await stage.startReal({ module: AccountsModule, providers: [Accounts, StaffAccounts] });
      await app.get(PrismaService, { strict: false }).user.create({ data: { username: 'ann', name: 'Ann' } });
      const staff = async (): Promise<string[]> =>
        (await app.get(StaffAccounts).filter({ where: { isStaff: true } })).map(({ name }: { name: string }) => name);
      expect(await staff()).toEqual([]);
      await app.get(Accounts).promote('ann');
      await expect.poll(staff).toEqual(['Ann']);
    },
  },
  'prisma#read': {
    files: ['prisma.service.ts', 'accounts.module.ts'],
    run: async (stage, snippet) => {
      const { AccountsModule, PrismaService } = stage.exports;
      await emptyDatabase(PRISMA_TABLES);
      const app = await stage.startReal(AccountsModule);
      await app.get(PrismaService, { strict: false }).user.create({ data: { username: 'ann', name: 'Ann' } });
      await snippet({ app });
    },
  },
  'admin.module.ts': {
    files: [...APP, 'admin.module.ts'],
    run: async (stage) => {
      const { AppModule, AdminModule } = stage.exports;
      const url = await stage.startHttp(AppModule, undefined, AdminModule);
      const statusFor = async (authorization: string): Promise<number> =>
        (await fetch(`${url}/async-cache/jobs`, { headers: { authorization } })).status;
      expect(await statusFor('Bearer of an operator')).toBe(200);
      expect(await statusFor('Bearer of somebody')).toBe(404);
    },
  },
  'mongoose#mongoose': mongooseWithoutServer,
  'mongoose#mongoose-2': mongooseWithoutServer,
  'members.module.ts': {
    files: ['members.schema.ts', 'members.module.ts'],
    run: async (stage) => {
      const { MembersModule, Members, MEMBER_TABLES } = stage.exports;
      await emptyDatabase(MEMBER_TABLES);
      const app = await stage.startReal(MembersModule);
      const members = app.get(Members);
      expect(await members.staff()).toEqual([]);
      await members.promote('ann');
      await expect.poll(() => members.staff()).toEqual(['ann']);
    },
  },
  'drizzle#read': {
    files: ['members.schema.ts', 'members.module.ts'],
    run: async (stage, snippet) => {
      const { MembersModule, MEMBER_TABLES } = stage.exports;
      await emptyDatabase(MEMBER_TABLES);
      await snippet({ app: await stage.startReal(MembersModule) });
    },
  },
  'customers.module.ts': {
    files: ['customer.entity.ts', 'customers.module.ts', 'staff.ts'],
    run: async (stage) => {
      const { CustomersModule, Customers, Customer, Staff, customerByValue } = stage.exports;
      await emptyDatabase();
      const app = await stage.startReal({ module: CustomersModule, providers: [Customers, Staff, customerByValue] });
      await app.get(DataSource).manager.save(Customer, { username: 'ann' });
      expect(await app.get(Staff).filter({ isStaff: true })).toEqual([]);
      await app.get(Customers).promote('ann');
      const labels = async (): Promise<string[]> =>
        (await app.get(Staff).filter({ isStaff: true })).map((row: { label(): string }) => row.label());
      await expect.poll(labels).toEqual(['ann (staff)']);
      expect((await app.get('CUSTOMER').get({ username: 'ann' })).label()).toBe('ann (staff)');
    },
  },
  'typeorm#read': {
    files: ['customer.entity.ts', 'customers.module.ts'],
    run: async (stage, snippet) => {
      const { CustomersModule, Customer } = stage.exports;
      await emptyDatabase();
      const app = await stage.startReal(CustomersModule);
      await app.get(DataSource).manager.save(Customer, { username: 'ann' });
      await snippet({ app });
    },
  },
  'shoppers.module.ts': {
    files: ['shopper.model.ts', 'shoppers.module.ts'],
    run: async (stage) => {
      const { ShoppersModule, Shoppers, Shopper } = stage.exports;
      await emptyDatabase();
      const app = await stage.startReal(ShoppersModule);
      await Shopper.create({ username: 'ann' });
      const { cached } = app.get(Shoppers);
      expect((await cached.get({ username: 'ann' })).label()).toBe('ann (shopper)');
      await app.get(Shoppers).promote('ann');
      await expect.poll(async () => (await cached.get({ username: 'ann' })).label()).toBe('ann (staff)');
    },
  },
  'sequelize#read': {
    files: ['shopper.model.ts', 'shoppers.module.ts'],
    run: async (stage, snippet) => {
      const { ShoppersModule, Shopper } = stage.exports;
      await emptyDatabase();
      const app = await stage.startReal(ShoppersModule);
      await Shopper.create({ username: 'ann' });
      await snippet({ app });
    },
  },
  'visitors.module.ts': {
    files: ['visitor.entity.ts', 'visitors.module.ts'],
    run: async (stage) => {
      const { Visitors } = stage.exports;
      const app = await startVisitors(stage);
      const { cached } = app.get(Visitors);
      expect((await cached.get({ username: 'ann' })).label()).toBe('ann (visitor)');
      await app.get(Visitors).promote('ann');
      await expect.poll(async () => (await cached.get({ username: 'ann' })).label()).toBe('ann (staff)');
    },
  },
  'mikro-orm#read': {
    files: ['visitor.entity.ts', 'visitors.module.ts'],
    run: async (stage, snippet) => {
      await snippet({ app: await startVisitors(stage) });
    },
  },
  'sales.controller.ts': {
    files: [...APP, 'sales.controller.ts'],
    run: async (stage) => {
      const { AppModule, SalesController } = stage.exports;
      const url = await stage.startHttp(AppModule, SalesController);
      const { headers } = await fetch(`${url}/sales/eu`);
      expect(headers.get('cache-control')).toMatch(
        /^private, max-age=60, stale-while-revalidate=\d+, stale-if-error=\d+$/,
      );
      expect(headers.get('cache-status')).toBe('nestjs-async-cache; fwd=miss; stored; ttl=60');
    },
  },
  'testing#a-service-alone': { files: APP, run: async (_stage, snippet) => snippet({}) },
  'testing#an-application-whose-time-stands-still': { files: APP, run: async (_stage, snippet) => snippet({}) },
  'testing#a-fetch-that-waits': { files: APP, run: async (_stage, snippet) => snippet({}) },
  'nest#types-of-a-job-class': withProviders(['checked-tweets.ts'], 'CheckedTweets', 'TweetsApi'),
};
