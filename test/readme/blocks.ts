/** A fenced block of a Markdown text. */
export interface Block {
  /** The file that its first line names (`// report.service.ts`), else its heading: `after-a-write`, `after-a-write-2`. */
  readonly id: string;
  readonly kind: 'file' | 'snippet';
  readonly language: string;
  readonly code: string;
  /** Of the first line of code, from 1. */
  readonly line: number;
}

const FILE_NAME = /^\/\/ ([\w.-]+\.ts)$/;

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const snippets = new Map<string, number>();
  let heading = '';
  let open: { language: string; line: number; code: string[] } | undefined;
  markdown.split('\n').forEach((text, index) => {
    const [, language] = /^```(\w*)$/.exec(text) ?? [];
    if (open !== undefined && text === '```') {
      const code = open.code.join('\n');
      const [, file] = FILE_NAME.exec(open.code[0] ?? '') ?? [];
      if (file === undefined && open.language === 'ts') snippets.set(heading, (snippets.get(heading) ?? 0) + 1);
      const count = snippets.get(heading) ?? 1;
      const id = file ?? (count === 1 ? heading : `${heading}-${String(count)}`);
      blocks.push({ id, kind: file === undefined ? 'snippet' : 'file', language: open.language, code, line: open.line });
      open = undefined;
    } else if (open !== undefined) {
      open.code.push(text);
    } else if (language !== undefined) {
      open = { language, line: index + 2, code: [] };
    } else if (text.startsWith('#')) {
      heading = text.replace(/^#+ /, '').toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-');
    }
  });
  if (open !== undefined) throw new Error(`The block at line ${String(open.line)} does not end`);
  return blocks;
}
