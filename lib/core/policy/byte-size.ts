import { inspect } from 'node:util';
import { ConfigurationError } from '../errors.js';

/** A number of bytes, or a text such as `'10KB'` or `'64MB'` (units of 1,024). */
export type ByteSize = number | `${number}B` | `${number}KB` | `${number}MB` | `${number}GB`;

const UNITS = { B: 1, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3 } as const;

/** Throws a {@link ConfigurationError} that names the option. */
export function toBytes(size: unknown, option: string, owner: string): number {
  if (typeof size === 'number' && Number.isFinite(size) && size >= 0) return Math.trunc(size);
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(B|KB|MB|GB)$/.exec(typeof size === 'string' ? size : '') ?? [];
  if (unit !== undefined) return Math.trunc(Number(amount) * UNITS[unit as keyof typeof UNITS]);
  throw new ConfigurationError(
    `${option} of ${owner} is ${inspect(size, { depth: 0 })}`,
    "Write a number of bytes, or a text such as '10KB' or '64MB'",
  );
}
