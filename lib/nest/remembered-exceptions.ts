import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { restoreHttpException } from './restore-http-exception.js';

type ExceptionClass = new (error: unknown) => Error;

/** Packages whose exceptions Nest's filters tell by their class; their name says nothing of it. */
const PACKAGES = { RpcException: '@nestjs/microservices', WsException: '@nestjs/websockets' } as const;
type Named = keyof typeof PACKAGES;

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

/** What was found, so that not every read of a failure asks the file system. */
const found = new Map<Named, ExceptionClass | undefined>();

function classNamed(name: Named): ExceptionClass | undefined {
  if (!found.has(name)) found.set(name, findClass(name));
  return found.get(name);
}

/**
 * The class as the application has it: found from its folder or from its main file. Not from this package, which may not see
 * it (pnpm) and, in a bundle or under jest, does not know where it lies. Undefined: it is in neither place.
 */
function findClass(name: Named): ExceptionClass | undefined {
  try {
    const paths = [process.cwd(), dirname(process.argv[1] ?? '')];
    const require = createRequire(join(process.cwd(), 'index.js'));
    const path = require.resolve(PACKAGES[name], { paths });
    return (require(path) as Record<Named, ExceptionClass>)[name];
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
