import ts from 'typescript';

/** Comments of a snippet that become code: see `toModule`. */
const CLAIM = /^\s*\/\/ (→|throws) (.*)$/;
const LATER = /^\/\/ (\d+) (s|m|h|d) later$/;
const MOMENT = /^\/\/ a moment later$/;
const WHEN = /^\/\/ (when .*)$/;
const MILLISECONDS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export interface SnippetModule {
  readonly code: string;
  readonly claims: number;
}

/** Where each name comes from that a snippet uses without importing it. */
export type Names = ReadonlyMap<string, { readonly from: string; readonly isType: boolean }>;

/**
 * A module whose default export runs the snippet. Its comments are not decoration:
 *
 *   expression; // → value          it must equal the value; with `…` in it, it may have more members
 *   const name = expression; // → value
 *   expression; // throws text      it must fail with an error whose message has the text
 *   // 61 s later, // a moment later, // when …
 *
 * Two spaces end a value: what follows is for the human reader.
 */
export function toModule(snippet: string, names: Names): SnippetModule {
  const source = ts.createSourceFile('snippet.ts', snippet, ts.ScriptTarget.ES2022, true);
  const edits: { start: number; end: number; text: string }[] = [];
  const imports: string[] = [];
  let claims = 0;
  let comments = 0;
  for (const statement of source.statements) {
    const [start, end] = [statement.getStart(), statement.getEnd()];
    if (ts.isImportDeclaration(statement)) {
      imports.push(statement.getText());
      edits.push({ start, end, text: '' });
      continue;
    }
    const rest = snippet.slice(end, endOfLine(snippet, end));
    const [, kind, text = ''] = CLAIM.exec(rest) ?? [];
    if (kind === undefined) continue;
    claims += 1;
    edits.push({ start, end, text: claimed(statement, kind, text) });
  }
  let offset = 0;
  for (const line of snippet.split('\n')) {
    const [, amount, unit] = LATER.exec(line) ?? [];
    const [, what] = WHEN.exec(line) ?? [];
    const end = offset + line.length;
    if (amount !== undefined) {
      const ms = Number(amount) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
      edits.push({ start: offset, end, text: `await given.later(${String(ms)});` });
    } else if (MOMENT.test(line)) {
      edits.push({ start: offset, end, text: 'await given.later(0);' });
    } else if (what !== undefined) {
      edits.push({ start: offset, end, text: `await given.when(${JSON.stringify(what)});` });
    }
    if (/\/\/ (→|throws )/.test(line)) comments += 1;
    offset = end + 1;
  }
  if (comments !== claims)
    throw new Error(`${String(comments)} claims are written, and ${String(claims)} are checked:\n${snippet}`);
  let body = snippet;
  for (const { start, end, text } of edits.sort((a, b) => b.start - a.start))
    body = body.slice(0, start) + text + body.slice(end);
  const code = [
    ...imports,
    ...missingImports(source, names),
    `import type { Given } from '../given.js';`,
    'export default async (given: Given): Promise<void> => {',
    '  const { app, web, worker } = given;',
    // A block of its own, so that a snippet can have an app of its own.
    `  {\n${body}\n  }\n  void [app, web, worker];\n};`,
  ];
  return { code: code.join('\n'), claims };
}

/** The same text with its n-th claim replaced by a wrong one. */
export function withWrongClaim(snippet: string, wrong: number): string {
  let claim = -1;
  const lines = snippet.split('\n').map((line) => {
    if (!/\/\/ (→|throws )/.test(line)) return line;
    claim += 1;
    return claim === wrong ? line.replace(/\/\/ (→|throws) .*$/, `// $1 'something else'`) : line;
  });
  return lines.join('\n');
}

function claimed(statement: ts.Statement, kind: string, text: string): string {
  const [written = ''] = text.split('  ');
  if (ts.isVariableStatement(statement)) {
    const [declaration] = statement.declarationList.declarations;
    return `${statement.getText()} given.claim(${declaration?.name.getText() ?? ''}, ${expected(written)});`;
  }
  if (!ts.isExpressionStatement(statement)) throw new Error(`Nothing can be claimed of: ${statement.getText()}`);
  const expression = statement.expression.getText();
  if (kind === 'throws') return `await given.claimThrows(async () => ${expression}, ${JSON.stringify(written)});`;
  return `given.claim(${expression}, ${expected(written)});`;
}

function expected(written: string): string {
  return written.includes(', … }') ? `given.atLeast(${written.replaceAll(', … }', ' }')})` : written;
}

function missingImports(source: ts.SourceFile, names: Names): string[] {
  const used = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const isMember = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
      const isNew =
        (ts.isImportSpecifier(node.parent) || ts.isVariableDeclaration(node.parent)) && node.parent.name === node;
      if (isNew) declared.add(node.text);
      else if (!isMember) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...used]
    .filter((name) => !declared.has(name))
    .flatMap((name) => {
      const found = names.get(name);
      return found === undefined ? [] : [`import { ${found.isType ? 'type ' : ''}${name} } from '${found.from}';`];
    });
}

/** The declarations that a module exports. */
export function exportsOf(code: string): { name: string; isType: boolean }[] {
  const source = ts.createSourceFile('file.ts', code, ts.ScriptTarget.ES2022, true);
  return source.statements.flatMap((statement) => {
    const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
    const isVariable = ts.isVariableStatement(statement);
    if (!isType && !isVariable && !ts.isClassDeclaration(statement) && !ts.isFunctionDeclaration(statement)) return [];
    const isExported = ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
    const names = isVariable ? statement.declarationList.declarations.map(({ name }) => name) : [statement.name];
    return isExported ? names.flatMap((name) => (name === undefined ? [] : [{ name: name.getText(), isType }])) : [];
  });
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
