import { Injectable } from '@nestjs/common';

export interface Report {
  region: string;
  total: number;
}

export interface Profile {
  id: number;
  name: string;
}

export interface Member {
  id: number;
  name: string;
}

/** The database from which the services on the pages read. */
@Injectable()
export class Database {
  /** The queries that it received, in order. */
  readonly queries: string[] = [];
  readonly #totals = new Map<string, number>();
  readonly #prices = new Map([
    ['tea', 3],
    ['milk', 2],
    ['cake', 7],
    ['bread', 4],
  ]);
  readonly #names = new Map([
    [1, 'Ann'],
    [2, 'Ben'],
    [3, 'Cem'],
  ]);
  readonly #teams = new Map([
    ['red', [1, 2]],
    ['blue', [3]],
  ]);

  async salesOf(region: string): Promise<Report> {
    this.queries.push(region);
    return { region, total: this.#totals.get(region) ?? 100 };
  }

  sell(region: string, amount: number): void {
    this.#totals.set(region, (this.#totals.get(region) ?? 100) + amount);
  }

  async profileOf(id: number): Promise<Profile> {
    return { id, name: this.#names.get(id) ?? '' };
  }

  async priceOf(id: string): Promise<number> {
    this.queries.push(id);
    return this.#prices.get(id) ?? 0;
  }

  async pricesOf(ids: readonly string[]): Promise<number[]> {
    this.queries.push(ids.join());
    return ids.map((id) => this.#prices.get(id) ?? 0);
  }

  async setPrice(id: string, price: number): Promise<void> {
    this.#prices.set(id, price);
  }

  async membersOf(team: string): Promise<Member[]> {
    return (this.#teams.get(team) ?? []).map((id) => ({ id, name: this.#names.get(id) ?? '' }));
  }

  async rename(id: number, name: string): Promise<void> {
    this.#names.set(id, name);
  }
}
