import { isPlainObject } from '../core/value/obstacle.js';

/** Marks a list that stands for an object whose members have an order themselves. */
const ORDER = Symbol.for('nestjs-async-cache find order');

/** `{ name: 'ASC', id: 'ASC' }` and `{ id: 'ASC', name: 'ASC' }` are different, and members of a key have no order. */
export function plainOrder(order: unknown): unknown {
  if (Array.isArray(order)) return order.map(plainOrder);
  const isOrder = typeof order === 'object' && order !== null && !(ORDER in order);
  return isOrder ? { [ORDER]: orderList(order) } : order;
}

/** The order as the ORM takes it. */
export function orderOf(plain: unknown): unknown {
  if (Array.isArray(plain)) return plain.map(orderOf);
  return typeof plain === 'object' && plain !== null && ORDER in plain ? restored(plain[ORDER]) : plain;
}

function orderList(order: unknown): unknown {
  if (typeof order !== 'object' || order === null || !isPlainObject(order)) return order;
  return Object.entries(order)
    .filter(([, direction]) => direction !== undefined)
    .map(([name, direction]) => [name, orderList(direction)]);
}

function restored(list: unknown): unknown {
  if (!Array.isArray(list)) return list;
  return Object.fromEntries(list.map(([name, direction]: [string, unknown]) => [name, restored(direction)]));
}
