import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { type Core, PLACES } from './core.js';

/** A change of the sources: text that occurs exactly once, and its replacement. */
export interface Edit {
  /** Under `lib/`, without the extension. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const LIB = fileURLToPath(new URL('../../lib/', import.meta.url));
const RINGS = ['core', 'memory', 'near'];

/** The core, the memory ring and the near tier, compiled with edits, each time as separate modules. */
export class MutantCores {
  readonly #sources = new Map<string, string>();
  readonly #compiled = new Map<string, string>();
  #directory: string | undefined;
  #count = 0;

  async load(edits: readonly Edit[]): Promise<Core> {
    await this.#compileAll();
    const root = join(await this.#tmp(), String(this.#count++));
    const edited = new Map(this.#compiled);
    const sources = new Map(this.#sources);
    for (const { file, from, to } of edits) {
      const source = sources.get(file) ?? '';
      const places = source.split(from).length - 1;
      if (places !== 1) {
        throw new Error(
          `lib/${file}.ts has ${places} places that read\n${from}\nThe mutant needs a new place: adapt it`,
        );
      }
      sources.set(
        file,
        source.replace(from, () => to),
      );
      edited.set(file, compile(sources.get(file) ?? ''));
    }
    await Promise.all(
      [...edited].map(async ([file, compiled]) => {
        const target = join(root, `${file}.js`);
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, compiled);
      }),
    );
    return importCore(root);
  }

  async remove(): Promise<void> {
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true });
  }

  async #tmp(): Promise<string> {
    if (this.#directory === undefined) {
      this.#directory = await mkdtemp(join(tmpdir(), 'async-cache-mutants-'));
      await writeFile(join(this.#directory, 'package.json'), '{"type":"module"}');
      await symlink(join(LIB, '../node_modules'), join(this.#directory, 'node_modules'));
    }
    return this.#directory;
  }

  async #compileAll(): Promise<void> {
    if (this.#compiled.size > 0) return;
    for (const ring of RINGS) {
      for (const name of await readdir(join(LIB, ring), { recursive: true })) {
        if (!name.endsWith('.ts')) continue;
        const file = `${ring}/${name.slice(0, -'.ts'.length)}`;
        const source = await readFile(join(LIB, `${file}.ts`), 'utf8');
        this.#sources.set(file, source);
        this.#compiled.set(file, compile(source));
      }
    }
  }
}

function compile(source: string): string {
  const { ES2022: target } = ts.ScriptTarget;
  const { ESNext: module } = ts.ModuleKind;
  return ts.transpileModule(source, { compilerOptions: { target, module, verbatimModuleSyntax: true } }).outputText;
}

async function importCore(root: string): Promise<Core> {
  const found = await Promise.all(
    Object.entries(PLACES).map(async ([name, file]) => {
      const url = pathToFileURL(join(root, `${file}.js`)).href;
      const exported = (await import(/* @vite-ignore */ url)) as Record<string, unknown>;
      return [name, exported[name]];
    }),
  );
  return Object.fromEntries(found) as Core;
}
