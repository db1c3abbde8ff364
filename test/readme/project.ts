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

/** The blocks of the README and docs as the files of a project, beside the files that they only name (`given/`). */
export class Project {
  readonly #folder = mkdtempSync(join(HERE, '.project-'));
  readonly #names: Names;
  /** The files that the pages name and do not show. */
  readonly given: readonly string[] = readdirSync(GIVEN);
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
    for (const { id, code, kind } of blocks)
      if (kind === 'snippet') this.#write(`${id.replace('#', '.')}.snippet.ts`, toModule(code, names).code);
  }

  /** The compiler's errors, each with the block that it concerns. */
  typeErrors(): string[] {
    const config = join(HERE, '..', 'tsconfig.json');
    const { options } = ts.parseJsonConfigFileContent(
      ts.readConfigFile(config, (path) => ts.sys.readFile(path)).config,
      ts.sys,
      join(HERE, '..'),
      {},
      config,
    );
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

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a block's exports are what its page says
  async load(file: string): Promise<Record<string, any>> {
    return (await import(/* @vite-ignore */ pathToFileURL(join(this.#folder, file)).href)) as Record<string, unknown>;
  }

  /** Loads the text as a new module each time. The text may also be one that is on no page, to see that it fails. */
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

  /** Changes the prefix only, because other tests use the same Redis. */
  #write(file: string, code: string): void {
    writeFileSync(join(this.#folder, file), code.replaceAll(`prefix: 'shop'`, `prefix: '${this.prefix}'`));
  }
}
