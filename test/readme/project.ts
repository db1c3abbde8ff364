import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import type { Block } from './blocks.js';
import type { Given } from './given.js';
import { exportsOf, type Names, toModule } from './snippet-module.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const GIVEN = join(HERE, 'given');

export interface LoadedSnippet {
  readonly run: (given: Given) => Promise<void>;
  readonly claims: number;
}

/** The blocks of the README as the files of a project, beside the files that it only names (`given/`). */
export class Project {
  readonly #folder = mkdtempSync(join(HERE, '.project-'));
  readonly #names: Names;
  readonly prefix = `readme-${Math.random().toString(36).slice(2)}`;
  #loaded = 0;

  constructor(readonly blocks: readonly Block[]) {
    cpSync(GIVEN, this.#folder, { recursive: true });
    const names = new Map([['AsyncCache', { from: 'nestjs-async-cache', isType: false }]]);
    const files = blocks.filter(({ kind }) => kind === 'file');
    for (const { id, code } of files) this.#write(id, code);
    for (const file of readdirSync(this.#folder)) {
      for (const { name, isType } of exportsOf(readFileSync(join(this.#folder, file), 'utf8'))) {
        names.set(name, { from: `./${file.replace(/ts$/, 'js')}`, isType });
      }
    }
    this.#names = names;
    for (const { id, code, kind } of blocks) if (kind === 'snippet') this.#write(`${id}.snippet.ts`, toModule(code, names).code);
  }

  /** The compiler's complaints about the blocks, each with the block it is about. */
  typeErrors(): string[] {
    const config = join(HERE, '..', 'tsconfig.json');
    const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(config, (path) => ts.sys.readFile(path)).config, ts.sys, join(HERE, '..'), {}, config);
    const files = readdirSync(this.#folder).map((file) => join(this.#folder, file));
    const program = ts.createProgram(files, options);
    return files.flatMap((file) => {
      const source = program.getSourceFile(file);
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return found.map(({ messageText, start = 0 }) => {
        const line = source?.text.slice(start, source.text.indexOf('\n', start));
        return `${file.slice(this.#folder.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')} (${String(line)})`;
      });
    });
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a block's exports are what the README says
  async load(file: string): Promise<Record<string, any>> {
    return (await import(/* @vite-ignore */ pathToFileURL(join(this.#folder, file)).href)) as Record<string, unknown>;
  }

  /** A module of its own each time, also for text that is not in the README: to see that it fails. */
  async loadSnippet(text: string): Promise<LoadedSnippet> {
    const { code, claims } = toModule(text, this.#names);
    this.#loaded += 1;
    const file = `loaded-${String(this.#loaded)}.ts`;
    this.#write(file, code);
    const { default: run } = await this.load(file);
    rmSync(join(this.#folder, file));
    return { run: run as LoadedSnippet['run'], claims };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The prefix is the one thing that is changed: other tests use the same Redis. */
  #write(file: string, code: string): void {
    writeFileSync(join(this.#folder, file), code.replaceAll(`prefix: 'shop'`, `prefix: '${this.prefix}'`));
  }
}
