import { Collection, EntitySchema, Type } from '@mikro-orm/core';

export class Profile {
  id!: number;
  city!: string;
}

export class Role {
  name!: string;
}

export class User {
  id!: number;
  username!: string;
  name!: string;
  isStaff = false;
  age: number | null = null;
  createdAt = new Date();
  profile: Profile | null = null;
  orders = new Collection<Order>(this);
  roles = new Collection<Role>(this);

  greeting(): string {
    return `Hello ${this.name}`;
  }
}

export class Order {
  id!: number;
  total!: string;
  user: User | null = null;
  describe(): string {
    return `${this.total} €`;
  }
}

export class Address {
  street!: string;
  line(): string {
    return `${this.street} 1`;
  }
}

/** A row whose key is a text in the program and a number in the database. */
export class Ticket {
  id!: string;
  title!: string;
}

class TicketNumber extends Type<string, number> {
  override convertToDatabaseValue(value: string): number {
    return Number(value.replace('T-', ''));
  }

  override convertToJSValue(value: number): string {
    return `T-${String(value)}`;
  }

  override getColumnType(): string {
    return 'int';
  }
}

export class Everything {
  id!: string;
  big!: string;
  bigint!: bigint;
  decimal!: string;
  double!: number;
  at!: Date;
  day!: string;
  time!: string;
  bytes!: Buffer;
  json!: unknown;
  numbers!: number[];
  color!: 'red' | 'green';
  nothing: string | null = null;
  hidden!: string;
  address!: Address;
}

const key = { type: 'integer', primary: true, autoincrement: true } as const;

export const ENTITIES = [
  new EntitySchema<Profile>({
    class: Profile,
    tableName: 'profile',
    properties: { id: key, city: { type: 'string' } },
  }),
  new EntitySchema<Ticket>({
    class: Ticket,
    tableName: 'ticket',
    properties: { id: { type: TicketNumber, primary: true }, title: { type: 'string' } },
  }),
  new EntitySchema<Role>({ class: Role, tableName: 'role', properties: { name: { type: 'string', primary: true } } }),
  new EntitySchema<User>({
    class: User,
    tableName: 'account',
    filters: { inGraz: { name: 'inGraz', cond: { profile: { city: 'Graz' } }, default: false } },
    properties: {
      id: key,
      username: { type: 'string', unique: true },
      name: { type: 'string' },
      isStaff: { type: 'boolean' },
      age: { type: 'integer', nullable: true },
      createdAt: { type: 'datetime' },
      profile: { kind: 'm:1', entity: () => Profile, nullable: true },
      orders: { kind: '1:m', entity: () => Order, mappedBy: 'user' },
      roles: { kind: 'm:n', entity: () => Role, pivotTable: 'account_role' },
    },
  }),
  new EntitySchema<Order>({
    class: Order,
    tableName: 'purchase',
    properties: {
      id: key,
      total: { type: 'decimal', precision: 10, scale: 2 },
      user: { kind: 'm:1', entity: () => User, nullable: true, deleteRule: 'cascade' },
    },
  }),
  new EntitySchema<Address>({ class: Address, embeddable: true, properties: { street: { type: 'string' } } }),
  new EntitySchema<Everything>({
    class: Everything,
    properties: {
      id: { type: 'uuid', primary: true },
      big: { type: 'bigint', runtimeType: 'string' },
      bigint: { type: 'bigint', runtimeType: 'bigint' },
      decimal: { type: 'decimal', precision: 30, scale: 3 },
      double: { type: 'double' },
      at: { type: 'datetime' },
      day: { type: 'date' },
      time: { type: 'time' },
      bytes: { type: 'blob' },
      json: { type: 'json' },
      numbers: { type: 'array', columnType: 'int[]' },
      color: { enum: true, items: ['red', 'green'] },
      nothing: { type: 'text', nullable: true },
      hidden: { type: 'string', hidden: true },
      address: { kind: 'embedded', entity: () => Address },
    },
  }),
];
