import { Column, Entity, JoinColumn, ManyToOne, OneToMany, PrimaryColumn, UpdateDateColumn } from 'typeorm';

@Entity()
export class Country {
  @PrimaryColumn('text') code!: string;
  @Column('text') name!: string;
  @OneToMany(() => Division, (division) => division.country) divisions!: Division[];
}

/** A state, a province, a canton: the first administrative division of a country. */
@Entity()
export class Division {
  @PrimaryColumn('text') id!: string;
  @Column('text') code!: string;

  @ManyToOne(() => Country, (country) => country.divisions)
  @JoinColumn({ name: 'country_code' })
  country!: Country;

  @OneToMany(() => City, (city) => city.division) cities!: City[];
}

@Entity()
export class City {
  @PrimaryColumn('int') id!: number;
  @Column('text') name!: string;
  @Column('int') population!: number;
  @Column('numeric') latitude!: string;
  @Column('numeric') longitude!: string;
  @UpdateDateColumn({ name: 'updated_at', type: 'timestamptz' }) updatedAt!: Date;

  @Column('text', { name: 'country_code' }) countryCode!: string;
  @ManyToOne(() => Country)
  @JoinColumn({ name: 'country_code' })
  country!: Country;

  @ManyToOne(() => Division, (division) => division.cities)
  @JoinColumn({ name: 'division_id' })
  division!: Division | null;

  label(): string {
    return `${this.name}${this.division === null ? '' : ` (${this.division.id})`}, ${this.country.name}`;
  }

  position(): string {
    return `${Number(this.latitude).toFixed(2)}, ${Number(this.longitude).toFixed(2)}`;
  }
}
