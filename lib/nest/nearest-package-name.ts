import { readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/**
 * The name in the package.json that is nearest to the program that was started, or to the working directory where that is
 * a tool, such as a test runner. Reads files, so call it at start-up.
 */
export function nearestPackageName(program = process.argv[1] ?? '', workingDirectory = process.cwd()): string {
  const isTool = program === '' || program.split(sep).includes('node_modules');
  return (isTool ? undefined : nameAbove(dirname(program))) ?? nameAbove(workingDirectory) ?? 'unnamed';
}

function nameAbove(folder: string): string | undefined {
  const name = nameIn(join(folder, 'package.json'));
  const above = dirname(folder);
  return name ?? (above === folder ? undefined : nameAbove(above));
}

/** Undefined also for a file that cannot be read: a package.json without a name often only says what type its folder has. */
function nameIn(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}
