import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Every workload and every subject by the name of its file. A subject whose package is not there is its error. */
export async function loadWorkloads() {
  const workloads = new Map();
  for (const [name, file] of filesIn('workloads')) workloads.set(name, (await import(file)).default);
  return new Map([...workloads].sort(([, a], [, b]) => a.order - b.order));
}

export async function loadSubject(file) {
  return (await import(new URL(`../subjects/${file}.mjs`, import.meta.url))).default;
}

export async function loadSubjects() {
  const subjects = new Map();
  for (const [name, file] of filesIn('subjects')) {
    try {
      subjects.set(name, (await import(file)).default);
    } catch (error) {
      subjects.set(name, { name, tiers: [], cannot: {}, broken: `cannot be imported: ${firstLine(error)}` });
    }
  }
  return subjects;
}

function filesIn(folder) {
  const directory = new URL(`../${folder}/`, import.meta.url);
  return readdirSync(fileURLToPath(directory))
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => [basename(file, '.mjs'), new URL(file, directory).href]);
}

export function firstLine(error) {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split('\n')[0].slice(0, 160);
}
