import type { Codec, RefreshRequest, RequestedKey } from '../core/ports.js';

const VERSION = 1;

/** Name of the BullMQ jobs that a schedule makes. */
export const TICK = 'tick';

/** What a schedule's BullMQ job carries: the name of the schedule. */
export function tickPayload(tick: string): { readonly v: typeof VERSION; readonly tick: string } {
  return { v: VERSION, tick };
}

/** What travels in a BullMQ job: JSON, so the arguments are bytes. */
export interface RefreshPayload {
  readonly v: typeof VERSION;
  readonly job: string;
  readonly key: string;
  readonly generation: string;
  readonly args: string;
  /** Keys to be fetched with it, and their arguments. A release that does not know them refreshes the first key. */
  readonly others?: string;
}

export type DecodedPayload =
  | {
      readonly kind: 'payload';
      readonly job: string;
      readonly key: string;
      readonly generation: string;
      readonly args: readonly unknown[];
      readonly others?: readonly RequestedKey[];
    }
  /** It is time for what is scheduled under this name. */
  | { readonly kind: 'tick'; readonly name: string }
  /** Written by a newer release of this package: a deploy in progress. */
  | { readonly kind: 'newer' }
  | { readonly kind: 'corrupt'; readonly cause: unknown };

export function encodePayload(
  { job, key, generation, args, others }: Omit<RefreshRequest, 'options'>,
  codec: Codec,
): RefreshPayload {
  const encode = (value: unknown): string => codec.encode(value).toString('base64');
  const payload = { v: VERSION, job, key, generation, args: encode(args) } as const;
  return others === undefined ? payload : { ...payload, others: encode(others) };
}

export function decodePayload(data: unknown, codec: Codec): DecodedPayload {
  if (typeof data !== 'object' || data === null) return corrupt(new Error('it is not an object'));
  const { v, job, key, generation, args, others, tick } = data as Partial<
    Record<keyof RefreshPayload | 'tick', unknown>
  >;
  if (typeof v === 'number' && v > VERSION) return { kind: 'newer' };
  if (v !== VERSION) return corrupt(new Error('it has no version'));
  if (typeof tick === 'string') return { kind: 'tick', name: tick };
  if (typeof job !== 'string' || typeof key !== 'string' || typeof generation !== 'string' || typeof args !== 'string') {
    return corrupt(new Error('a part of it is missing'));
  }
  const decode = (text: string): unknown => codec.decode(Buffer.from(text, 'base64'));
  try {
    const decoded = decode(args);
    if (!Array.isArray(decoded)) return corrupt(new Error('its arguments are not a list'));
    const payload = { kind: 'payload', job, key, generation, args: decoded as readonly unknown[] } as const;
    if (typeof others !== 'string') return payload;
    const further = decode(others);
    if (!isKeyList(further)) return corrupt(new Error('its further keys are not a list of keys'));
    return { ...payload, others: further };
  } catch (error) {
    return corrupt(error);
  }
}

function isKeyList(value: unknown): value is readonly RequestedKey[] {
  return (
    Array.isArray(value) &&
    value.every((each: Partial<Record<keyof RequestedKey, unknown>> | null) => {
      return typeof each?.key === 'string' && typeof each.generation === 'string' && Array.isArray(each.args);
    })
  );
}

function corrupt(cause: unknown): DecodedPayload {
  return { kind: 'corrupt', cause };
}
