import {
  BelongsTo,
  BelongsToMany,
  Column,
  DataType,
  ForeignKey,
  HasMany,
  Model,
  PrimaryKey,
  Table,
  Unique,
} from 'sequelize-typescript';

@Table({ tableName: 'profile', timestamps: false })
export class Profile extends Model {
  declare id: number;
  @Column(DataType.STRING) declare city: string;
}

@Table({ tableName: 'role', timestamps: false })
export class Role extends Model {
  @PrimaryKey @Column(DataType.STRING) declare name: string;
  @BelongsToMany(() => User, () => UserRole) declare users: User[];
}

@Table({ tableName: 'account', paranoid: true })
export class User extends Model {
  declare id: number;
  @Unique @Column(DataType.STRING) declare username: string;
  @Column(DataType.STRING) declare name: string;
  @Column({ type: DataType.BOOLEAN, defaultValue: false }) declare isStaff: boolean;
  @Column(DataType.INTEGER) declare age: number | null;
  declare createdAt: Date;
  declare deletedAt: Date | null;
  @ForeignKey(() => Profile) @Column(DataType.INTEGER) declare profileId: number | null;
  @BelongsTo(() => Profile) declare profile: Profile | null;
  @HasMany(() => Order, { onDelete: 'CASCADE' }) declare orders: Order[];
  @BelongsToMany(() => Role, () => UserRole) declare roles: Role[];

  greeting(): string {
    return `Hello ${this.name}`;
  }

  get shout(): string {
    return this.name.toUpperCase();
  }
}

@Table({ tableName: 'purchase', timestamps: false })
export class Order extends Model {
  declare id: number;
  @Column(DataType.DECIMAL(10, 2)) declare total: string;
  @ForeignKey(() => User) @Column(DataType.INTEGER) declare userId: number | null;
  @BelongsTo(() => User, { onDelete: 'CASCADE' }) declare user: User | null;

  describe(): string {
    return `${this.total} €`;
  }
}

@Table({ tableName: 'account_role', timestamps: false })
export class UserRole extends Model {
  @ForeignKey(() => User) @PrimaryKey @Column(DataType.INTEGER) declare userId: number;
  @ForeignKey(() => Role) @PrimaryKey @Column(DataType.STRING) declare roleName: string;
}

/** A column of each kind. */
@Table({ tableName: 'everything', timestamps: false })
export class Everything extends Model {
  @PrimaryKey @Column(DataType.UUID) declare id: string;
  @Column(DataType.BIGINT) declare big: string;
  @Column(DataType.DECIMAL) declare decimal: string;
  @Column(DataType.DOUBLE) declare double: number;
  @Column(DataType.DATE) declare at: Date;
  @Column(DataType.DATEONLY) declare day: string;
  @Column(DataType.TIME) declare time: string;
  @Column(DataType.BLOB) declare bytes: Buffer;
  @Column(DataType.JSONB) declare json: unknown;
  @Column(DataType.ARRAY(DataType.INTEGER)) declare numbers: number[];
  @Column(DataType.RANGE(DataType.INTEGER)) declare range: unknown;
  @Column(DataType.ENUM('red', 'green')) declare color: 'red' | 'green';
  @Column(DataType.TEXT) declare nothing: string | null;
  @Column({
    type: DataType.TEXT,
    get(this: Everything) {
      return new Set(String(this.getDataValue('labels')).split(','));
    },
    set(this: Everything, value: ReadonlySet<string>) {
      this.setDataValue('labels', [...value].join(','));
    },
  })
  declare labels: Set<string>;
  @Column({
    type: DataType.VIRTUAL,
    get(this: Everything) {
      return `${this.day} ${this.time}`;
    },
  })
  declare when: string;
}

export const MODELS = [User, Order, Profile, Role, UserRole, Everything];
