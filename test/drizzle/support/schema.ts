import { relations } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  serial,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const profiles = pgTable('profile', { id: serial().primaryKey(), city: text().notNull() });

export const users = pgTable(
  'account',
  {
    id: serial().primaryKey(),
    username: text().notNull().unique(),
    name: text().notNull(),
    isStaff: boolean('is_staff').notNull().default(false),
    age: integer(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    profileId: integer('profile_id').references(() => profiles.id),
  },
  (table) => [unique().on(table.name, table.age)],
);

export const orders = pgTable('purchase', {
  id: serial().primaryKey(),
  total: numeric({ precision: 10, scale: 2 }).notNull(),
  userId: integer('user_id').references(() => users.id, { onDelete: 'cascade' }),
});

export const everything = pgTable('everything', {
  id: uuid().primaryKey(),
  big: bigint({ mode: 'bigint' }).notNull(),
  decimal: numeric().notNull(),
  at: timestamp({ withTimezone: true }).notNull(),
  local: timestamp({ mode: 'string' }).notNull(),
  bytes: bytea().notNull(),
  json: jsonb().notNull(),
  list: text().array().notNull(),
  nothing: text(),
});

export const parts = pgTable('part', { a: integer(), b: integer() }, (table) => [
  primaryKey({ columns: [table.a, table.b] }),
]);

export const usersRelations = relations(users, ({ one, many }) => ({
  profile: one(profiles, { fields: [users.profileId], references: [profiles.id] }),
  orders: many(orders),
}));

export const ordersRelations = relations(orders, ({ one }) => ({
  user: one(users, { fields: [orders.userId], references: [users.id] }),
}));

export const TABLES = `
CREATE TABLE profile (id SERIAL PRIMARY KEY, city TEXT NOT NULL);
CREATE TABLE account (
  id SERIAL PRIMARY KEY, username TEXT NOT NULL UNIQUE, name TEXT NOT NULL, is_staff BOOLEAN NOT NULL DEFAULT false,
  age INTEGER, created_at TIMESTAMPTZ NOT NULL DEFAULT now(), profile_id INTEGER REFERENCES profile, UNIQUE (name, age)
);
CREATE TABLE purchase (
  id SERIAL PRIMARY KEY, total NUMERIC(10, 2) NOT NULL, user_id INTEGER REFERENCES account ON DELETE CASCADE
);
CREATE TABLE everything (
  id UUID PRIMARY KEY, big BIGINT NOT NULL, "decimal" NUMERIC NOT NULL, at TIMESTAMPTZ NOT NULL, local TIMESTAMP NOT NULL,
  bytes BYTEA NOT NULL, json JSONB NOT NULL, list TEXT[] NOT NULL, nothing TEXT
);
CREATE TABLE part (a INTEGER, b INTEGER, PRIMARY KEY (a, b));
`;
