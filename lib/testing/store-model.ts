interface ModelLease {
  readonly holder: number;
  revoked: boolean;
  readonly revokedTags: Set<string>;
  readonly removedTags: Set<string>;
}

/** A model of one key of a store, as simple as possible, in which no time passes. */
export class StoreModel {
  #value: { readonly value: number; readonly tag: string; stale: boolean } | undefined;
  #failures = 0;
  #lease: ModelLease | undefined;
  /** How often a value was written. It stands for the generation. */
  writes = 0;

  /** The fresh or stale value, and the failures since. */
  get state(): string {
    const value = this.#value;
    const shown = value === undefined ? 'nothing' : `${value.stale ? 'stale' : 'fresh'} ${String(value.value)}`;
    return `${shown}, ${String(this.#failures)} failures`;
  }

  get hasValue(): boolean {
    return this.#value !== undefined;
  }

  acquire(holder: number, unchanged: boolean, takeOver: boolean): string {
    if (!unchanged) return 'changed';
    if (this.#lease !== undefined && !takeOver) return `busy with ${String(this.#lease.holder)}`;
    this.#lease = { holder, revoked: false, revokedTags: new Set(), removedTags: new Set() };
    return `granted after ${String(this.#failures)}`;
  }

  renew(holder: number): boolean {
    return this.#lease?.holder === holder;
  }

  commit(holder: number, value: number, tag: string): string {
    const lease = this.#lease;
    if (lease?.holder !== holder) return 'lost';
    this.#lease = undefined;
    const isRevoked = lease.revoked || lease.revokedTags.has(tag);
    if (isRevoked && (lease.removedTags.has(tag) || this.#value === undefined)) return 'revoked';
    this.#write(value, tag, isRevoked);
    return isRevoked ? 'stale' : 'stored';
  }

  release(holder: number, kind: 'unfilled' | 'failed' | 'gone', tag: string): string {
    const lease = this.#lease;
    if (lease?.holder !== holder) return 'lost';
    this.#lease = undefined;
    if (kind === 'failed') this.#failures += 1;
    if (kind === 'gone') this.#forget();
    return lease.revoked || lease.revokedTags.has(tag) ? 'revoked' : 'held';
  }

  set(value: number, tag: string): void {
    this.#lease = undefined;
    this.#write(value, tag);
  }

  invalidate(): { found: boolean; held: boolean } {
    if (this.#lease !== undefined) this.#lease.revoked = true;
    if (this.#value !== undefined) this.#value.stale = true;
    return { found: this.#value !== undefined, held: this.#lease !== undefined };
  }

  delete(): boolean {
    const there = this.#value !== undefined;
    this.#lease = undefined;
    this.#forget();
    return there;
  }

  invalidateTag(tag: string): void {
    this.#lease?.revokedTags.add(tag);
    if (this.#value?.tag === tag) this.invalidate();
  }

  deleteTag(tag: string): void {
    this.#lease?.revokedTags.add(tag);
    this.#lease?.removedTags.add(tag);
    if (this.#value?.tag === tag) this.delete();
  }

  #write(value: number, tag: string, stale = false): void {
    this.#value = { value, tag, stale };
    this.#failures = 0;
    this.writes += 1;
  }

  #forget(): void {
    this.#value = undefined;
    this.#failures = 0;
  }
}
