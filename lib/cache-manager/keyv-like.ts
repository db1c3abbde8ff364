/** What is used of a `Keyv`, of version 5 or 6. Structural, because an application may well have two copies of keyv. */
export interface KeyvLike {
  readonly namespace?: string | undefined;
  readonly useKeyPrefix?: boolean | undefined;
  readonly store?: unknown;
  readonly opts?: { readonly emitErrors?: boolean | undefined };
  getRaw(name: string): Promise<unknown>;
  getMany(names: string[], options: { raw: true }): Promise<unknown>;
  set(name: string, value: string, ttl: number): Promise<unknown>;
  setMany(items: { key: string; value: string; ttl: number }[]): Promise<unknown>;
  deleteMany(names: string[]): Promise<unknown>;
  on(event: string, listener: (error: unknown) => void): unknown;
  off(event: string, listener: (error: unknown) => void): unknown;
  disconnect(): Promise<void>;
}

const METHODS = ['getRaw', 'getMany', 'set', 'setMany', 'deleteMany', 'on', 'off', 'disconnect'] as const;

export function isKeyvLike(store: unknown): store is KeyvLike {
  if (typeof store !== 'object' || store === null) return false;
  return METHODS.every((method) => typeof Reflect.get(store, method) === 'function');
}
