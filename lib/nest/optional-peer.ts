import { ConfigurationError } from '../core/errors.js';

/** Handles the error of an `import()` of an adapter whose package is optional and may be missing. */
export function undefinedIfMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
}

/** The error for a user who asked for something that needs a missing package. */
export function notInstalled(option: string, packages: string): ConfigurationError {
  return new ConfigurationError(
    `forRoot has the option ${option}, and a package that it needs is not installed`,
    `Run npm install ${packages}`,
  );
}
