import { LONGEST } from '../core/policy/duration.js';
import type { Reply } from './redis-link.js';

/** Milliseconds in the form that the scripts take. Bounded, since no period is infinite. */
export function ms(period: number): string {
  return Math.min(period, LONGEST).toFixed(3);
}

/** Milliseconds in the form that Redis's own commands take. */
export function wholeMs(period: number): string {
  return String(Math.max(1, Math.ceil(Math.min(period, LONGEST))));
}

export function flag(value: boolean): string {
  return value ? '1' : '0';
}

export function textAt(reply: Reply, index: number): string {
  return reply[index]?.toString() ?? '';
}

export function numberAt(reply: Reply, index: number): number {
  return Number(textAt(reply, index));
}
