import * as nest from '@nestjs/common';

type ExceptionClass = abstract new (...args: never[]) => nest.HttpException;

/**
 * Nest's own exceptions by name, so that a remembered NotFoundException becomes a NotFoundException again, and not just
 * an HttpException.
 */
const CLASSES: ReadonlyMap<string, ExceptionClass> = new Map(
  Object.entries(nest).flatMap(([name, exported]): [string, ExceptionClass][] =>
    typeof exported === 'function' && exported.prototype instanceof nest.HttpException
      ? [[name, exported as unknown as ExceptionClass]]
      : [],
  ),
);

/**
 * Turns a remembered HttpException into an HttpException again, with its status and response, so that Nest answers 404
 * and not 500. It is recognised by three members that only Nest gives to an error. Other errors stay as they are.
 */
export function restoreHttpException(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof nest.HttpException) return error;
  const { response, status, options } = error as Error & Readonly<Record<string, unknown>>;
  const isHttp = Object.hasOwn(error, 'response') && Object.hasOwn(error, 'options') && isStatus(status);
  if (!isHttp || (typeof response !== 'string' && (typeof response !== 'object' || response === null))) return error;
  const restored = new nest.HttpException(response, status, options ?? {});
  Object.setPrototypeOf(restored, (CLASSES.get(error.name) ?? nest.HttpException).prototype as object);
  const { name, message, stack } = error;
  Object.defineProperties(restored, {
    name: { value: name, writable: true, configurable: true },
    message: { value: message, writable: true, configurable: true },
    stack: { value: stack, writable: true, configurable: true },
  });
  return restored;
}

function isStatus(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 100 && status < 600;
}
