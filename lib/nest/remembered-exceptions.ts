import { createRequire } from 'node:module';
import { restoreHttpException } from './restore-http-exception.js';

type ExceptionClass = new (error: unknown) => Error;

/** Packages whose exceptions Nest's filters tell by their class; their name says nothing of it. */
const PACKAGES = { RpcException: '@nestjs/microservices', WsException: '@nestjs/websockets' } as const;
type Named = keyof typeof PACKAGES;

const require = createRequire(import.meta.url);

/** What is stored of a failure: an RpcException or a WsException under the name of its class, others as they are. */
export function nameException(error: unknown): unknown {
  if (!(error instanceof Error) || !Object.hasOwn(error, 'error')) return error;
  const name = classesOf(error).find((each): each is Named => Object.hasOwn(PACKAGES, each));
  if (name === undefined) return error;
  const { message } = error;
  return Object.assign(new Error(message), { name, error: (error as Error & { error: unknown }).error });
}

/** A failure that was remembered is of its class again, where that is one of Nest's: its filters go by the class. */
export function restoreException(error: unknown): unknown {
  if (!(error instanceof Error) || !Object.hasOwn(PACKAGES, error.name) || !Object.hasOwn(error, 'error')) {
    return restoreHttpException(error);
  }
  const Exception = classNamed(error.name as Named);
  if (Exception === undefined) return error;
  return new Exception((error as Error & { error: unknown }).error);
}

/** Loaded when it is first needed. Undefined: the package is not here, as in a process that only reads. */
function classNamed(name: Named): ExceptionClass | undefined {
  try {
    return (require(PACKAGES[name]) as Record<Named, ExceptionClass>)[name];
  } catch {
    return undefined;
  }
}

function classesOf(error: object): string[] {
  const names: string[] = [];
  for (let level: unknown = Object.getPrototypeOf(error); level !== null; level = Object.getPrototypeOf(level)) {
    names.push((level as { constructor?: { name?: string } }).constructor?.name ?? '');
  }
  return names;
}
