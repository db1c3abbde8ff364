import { ConfigurationError } from '../core/errors.js';

/** For an `import()` of an adapter: its package is optional, and may not be there. */
export function undefinedIfMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
}

/** What to tell who asked for what needs the package. */
export function notInstalled(option: string, packages: string): ConfigurationError {
  return new ConfigurationError(
    `forRoot has the option ${option}, and a package that it needs is not installed`,
    `Run npm install ${packages}`,
  );
}
