import {
  Column,
  CreateDateColumn,
  DeleteDateColumn,
  Entity,
  JoinColumn,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  ViewColumn,
  ViewEntity,
  VirtualColumn,
} from 'typeorm';

@Entity()
export class Profile {
  @PrimaryGeneratedColumn() id!: number;
  @Column() city!: string;
}

@Entity()
export class Role {
  @PrimaryColumn() name!: string;
}

@Entity('account')
export class User {
  @PrimaryGeneratedColumn() id!: number;
  @Column({ unique: true }) username!: string;
  @Column() name!: string;
  @Column({ default: false }) isStaff!: boolean;
  @Column({ type: 'int', nullable: true }) age!: number | null;
  @CreateDateColumn({ type: 'timestamptz' }) createdAt!: Date;
  @DeleteDateColumn({ type: 'timestamptz' }) deletedAt!: Date | null;
  @OneToOne(() => Profile, { nullable: true, cascade: true }) @JoinColumn() profile!: Profile | null;
  @OneToMany(() => Order, (order) => order.user, { cascade: true }) orders!: Order[];
  @ManyToMany(() => Role) @JoinTable() roles!: Role[];

  greeting(): string {
    return `Hello ${this.name}`;
  }

  get shout(): string {
    return this.name.toUpperCase();
  }
}

@Entity('purchase')
export class Order {
  @PrimaryGeneratedColumn() id!: number;
  @Column({ type: 'numeric', precision: 10, scale: 2 }) total!: string;
  @ManyToOne(() => User, (user) => user.orders, { onDelete: 'CASCADE', nullable: true }) user!: User | null;
  describe(): string {
    return `${this.total} €`;
  }
}

export class Address {
  @Column({ nullable: true }) street!: string;
  line(): string {
    return `${this.street} 1`;
  }
}

/** A column of each kind. */
@Entity()
export class Everything {
  @PrimaryColumn('uuid') id!: string;
  @Column('bigint') big!: string;
  @Column('numeric') decimal!: string;
  @Column('double precision') double!: number;
  @Column('timestamptz') at!: Date;
  @Column('timestamp') local!: Date;
  @Column('date') day!: string;
  @Column('time') time!: string;
  @Column('bytea') bytes!: Buffer;
  @Column('jsonb') json!: unknown;
  @Column('simple-json') simple!: unknown;
  @Column('simple-array') list!: string[];
  @Column('int', { array: true }) numbers!: number[];
  @Column('enum', { enum: ['red', 'green'] }) color!: 'red' | 'green';
  @Column('interval') interval!: unknown;
  @Column('point') point!: unknown;
  @Column({ nullable: true, type: 'text' }) nothing!: string | null;
  @Column('text', {
    transformer: { to: (set: Set<string>) => [...set].join(','), from: (text: string) => new Set(text.split(',')) },
  })
  set!: Set<string>;
  @Column(() => Address) address!: Address;
}

/** Its column is counted in another table. */
@Entity()
export class Shelf {
  @PrimaryColumn() id!: number;
  @VirtualColumn({ query: () => 'SELECT count(*)::int FROM purchase' }) purchases!: number;
}

@ViewEntity({ name: 'staff', expression: 'SELECT id, name FROM account WHERE "isStaff"' })
export class Staff {
  @ViewColumn() id!: number;
  @ViewColumn() name!: string;
}

export const ENTITIES = [User, Order, Profile, Role, Everything, Shelf, Staff];
