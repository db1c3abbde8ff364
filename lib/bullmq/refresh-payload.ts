import type { Codec, RefreshRequest, RequestedKey, RequestOrigin } from '../core/ports.js';

/**
 * Version 1 is read by every release. A request with a context has version 2, because a release that ignores contexts
 * would fetch for the wrong one.
 */
const VERSION = 1;
const VERSION_WITH_CONTEXT = 2;

/** The name of the BullMQ jobs that schedules create. */
export const TICK = 'tick';

/** The content of a schedule's BullMQ job: the name of the schedule. */
export function tickPayload(tick: string): { readonly v: typeof VERSION; readonly tick: string } {
  return { v: VERSION, tick };
}

/** The content of a refresh's BullMQ job. It is JSON, so the arguments are encoded bytes. */
export interface RefreshPayload {
  readonly v: typeof VERSION | typeof VERSION_WITH_CONTEXT;
  readonly job: string;
  readonly key: string;
  readonly generation: string;
  readonly args: string;
  /** The context of the reader that requested. */
  readonly context?: string;
  /** Further keys to fetch, with their arguments. A release that does not know them refreshes only the first key. */
  readonly others?: string;
  /** Who asked and when. A release that does not know it ignores it. */
  readonly origin?: RequestOrigin;
}

export type DecodedPayload =
  | {
      readonly kind: 'payload';
      readonly job: string;
      readonly key: string;
      readonly generation: string;
      readonly args: readonly unknown[];
      readonly context?: unknown;
      readonly others?: readonly RequestedKey[];
      readonly origin?: RequestOrigin;
    }
  /** It is time for what is scheduled under this name. */
  | { readonly kind: 'tick'; readonly name: string }
  /** Written by a newer release of this package: a deploy in progress. */
  | { readonly kind: 'newer' }
  | { readonly kind: 'corrupt'; readonly cause: unknown };

export function encodePayload(
  { job, key, generation, args, context, others, origin }: Omit<RefreshRequest, 'options'>,
  codec: Codec,
): RefreshPayload {
  const encode = (value: unknown): string => codec.encode(value).toString('base64');
  const payload = {
    v: context === undefined ? VERSION : VERSION_WITH_CONTEXT,
    job,
    key,
    generation,
    args: encode(args),
    ...(context === undefined ? {} : { context: encode(context) }),
    ...(origin === undefined ? {} : { origin }),
  } as const;
  return others === undefined ? payload : { ...payload, others: encode(others) };
}

export function decodePayload(data: unknown, codec: Codec): DecodedPayload {
  if (typeof data !== 'object' || data === null) return corrupt(new Error('it is not an object'));
  const { v, job, key, generation, args, context, others, origin, tick } = data as Partial<
    Record<keyof RefreshPayload | 'tick', unknown>
  >;
  if (typeof v === 'number' && v > VERSION_WITH_CONTEXT) return { kind: 'newer' };
  if (v !== VERSION && v !== VERSION_WITH_CONTEXT) return corrupt(new Error('it has no version'));
  if (typeof tick === 'string') return { kind: 'tick', name: tick };
  if (
    typeof job !== 'string' ||
    typeof key !== 'string' ||
    typeof generation !== 'string' ||
    typeof args !== 'string'
  ) {
    return corrupt(new Error('a part of it is missing'));
  }
  const decode = (text: string): unknown => codec.decode(Buffer.from(text, 'base64'));
  try {
    const decoded = decode(args);
    if (!Array.isArray(decoded)) return corrupt(new Error('its arguments are not a list'));
    const payload = {
      kind: 'payload',
      job,
      key,
      generation,
      args: decoded as readonly unknown[],
      ...(typeof context === 'string' ? { context: decode(context) } : {}),
      ...originOf(origin),
    } as const;
    if (typeof others !== 'string') return payload;
    const further = decode(others);
    if (!isKeyList(further)) return corrupt(new Error('its further keys are not a list of keys'));
    return { ...payload, others: further };
  } catch (error) {
    return corrupt(error);
  }
}

/** Nothing depends on it, so what is wrong with it is left out, and the request runs. */
function originOf(written: unknown): { origin?: RequestOrigin } {
  if (typeof written !== 'object' || written === null) return {};
  const { at, trace } = written as Partial<Record<keyof RequestOrigin, unknown>>;
  if (typeof at !== 'number' || !Number.isFinite(at)) return {};
  return { origin: typeof trace === 'string' ? { at, trace } : { at } };
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
