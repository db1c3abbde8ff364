// Generates the clients of all Prisma schemas in this project, each into the folder `generated` beside its schema.
// `npm install` runs it, and so do the tests. It downloads nothing: a client on a driver adapter needs no engine of
// Prisma, and `generate` is content with any program in the place of the one that it asks for.
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version } = createRequire(import.meta.url)('prisma/package.json');
const program = join(dirname(createRequire(import.meta.url).resolve('prisma/package.json')), 'build', 'index.js');

for (const schema of ['test', 'sample', 'bench/orm'].flatMap(schemasIn)) {
  const folder = dirname(schema);
  if (timeOf(join(folder, 'generated')) > timeOf(schema)) continue;
  execFileSync(process.execPath, [program, 'generate', '--schema', schema, '--no-hints'], {
    cwd: folder,
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  console.log(`Prisma ${version}: generated the client of ${schema.slice(root.length)}`);
}

function schemasIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('schema.prisma') && !/generated|node_modules/.test(file))
    .map((file) => join(root, folder, file));
}

function timeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
