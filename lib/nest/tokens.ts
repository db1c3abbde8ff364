/**
 * Token and property of the runtime. Registered by name, so that a decorator from one copy of this package finds the
 * runtime of another.
 */
export const RUNTIME = Symbol.for('nestjs-async-cache runtime');

/** Token of the queue that carries refreshes to other processes; not provided where there is none. */
export const REFRESH_QUEUE = Symbol.for('nestjs-async-cache refresh queue');
