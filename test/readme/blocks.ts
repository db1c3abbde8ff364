/** A fenced block of a page. */
export interface Block {
  /**
   * The file that its first line names (`// report.service.ts`), else its page and heading: `reading#a-decorated-method`,
   * and with `-2` for the second snippet under it.
   */
  readonly id: string;
  readonly kind: 'file' | 'snippet';
  readonly language: string;
  readonly code: string;
  /** Of the first line of code, from 1. */
  readonly line: number;
}

const FILE_NAME = /^\/\/ ([\w.-]+\.ts)$/;

/** `page` is the name of the page's file without `.md`, in small letters. */
export function blocksOf(markdown: string, page: string): Block[] {
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
      const id = file ?? `${page}#${heading}${count === 1 ? '' : `-${String(count)}`}`;
      blocks.push({
        id,
        kind: file === undefined ? 'snippet' : 'file',
        language: open.language,
        code,
        line: open.line,
      });
      open = undefined;
    } else if (open !== undefined) {
      open.code.push(text);
    } else if (language !== undefined) {
      open = { language, line: index + 2, code: [] };
    } else if (text.startsWith('#')) {
      heading = anchorOf(text);
    }
  });
  if (open !== undefined) throw new Error(`The block at line ${String(open.line)} does not end`);
  return blocks;
}

/** The anchor that GitHub gives to a heading. */
export function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}
