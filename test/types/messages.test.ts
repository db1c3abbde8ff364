import { join } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const FILE = join(import.meta.dirname, 'messages.snippet.ts');
const FORMS = 'number | `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d`';

/** Each is what stands above `async read(id: number): Promise<string>`, with a mark where the compiler must complain. */
const SNIPPETS = {
  misspelt: '@AsyncCached({ ▲tll: 5 })',
  'misspelt beside a ttl': "@AsyncCached('5m', { ▲jiter: 0.1 })",
  'a wrong duration': "@AsyncCached(▲'5 minutes')",
  'a wrong duration in the options': "@AsyncCached({ ▲ttl: '5 minutes' })",
  'a duration that is none': '@AsyncCached({ ttl: 5, ▲grace: true })',
  right: "@AsyncCached({ ttl: '5m', tags: (report: string, id: number) => [report, String(id)] })",
} as const;

type Name = keyof typeof SNIPPETS;

/** What the compiler says, by the name of the snippet; and whether it says it where the mark is. */
let said: ReadonlyMap<string, { readonly text: string; readonly isThere: boolean }>;

beforeAll(() => {
  const names = Object.keys(SNIPPETS) as Name[];
  const lines = names.map(
    (name, at) =>
      `class S${String(at)} { ${SNIPPETS[name]} async read(id: number): Promise<string> { return String(id); } }`,
  );
  const head = "import { AsyncCached } from 'nestjs-async-cache';";
  const source = [head, ...lines.map((line) => line.replace('▲', ''))].join('\n');
  const config = ts.readConfigFile(join(import.meta.dirname, '../tsconfig.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, join(import.meta.dirname, '..'));
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === FILE || fileExists(file);
  host.getSourceFile = (file, target, ...rest) =>
    file === FILE ? ts.createSourceFile(file, source, target) : getSourceFile(file, target, ...rest);
  const program = ts.createProgram([FILE], { ...options, noEmit: true, noUnusedLocals: false }, host);
  const diagnostics = program.getSemanticDiagnostics(program.getSourceFile(FILE));
  said = new Map(
    diagnostics.map((diagnostic) => {
      const { line, character } = ts.getLineAndCharacterOfPosition(diagnostic.file!, diagnostic.start ?? 0);
      const name = names[line - 1] as Name;
      const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
      return [name, { text, isThere: lines[line - 1]?.indexOf('▲') === character }];
    }),
  );
}, 120_000);

describe('what the compiler says of options of @AsyncCached', () => {
  it('a misspelt one is named, where it stands', () => {
    expect(said.get('misspelt')).toMatchObject({
      text: expect.stringContaining("'tll' does not exist"),
      isThere: true,
    });
    expect(said.get('misspelt beside a ttl')?.isThere).toBe(true);
  });

  it.each(['a wrong duration', 'a wrong duration in the options', 'a duration that is none'] as const)(
    '%s is told with the forms that are right, where it stands',
    (name) => {
      expect(said.get(name)).toMatchObject({ text: expect.stringContaining(FORMS), isThere: true });
    },
  );

  it('nothing of what is right', () => {
    expect(said.get('right')).toBeUndefined();
  });

  it('nothing of a whole list of overloads', () => {
    for (const { text } of said.values()) expect(text).not.toContain('No overload matches');
  });
});
