import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sections } from '../../docs/site/pages.mjs';
import { rewriteLinks } from '../../docs/site/rewrite-links.mjs';

describe('the pages of the site', () => {
  it('are all of docs/, each once', () => {
    const files = sections().flatMap(({ pages }) => pages.map(({ file }) => file));
    const written = ['docs', 'docs/decisions'].flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}/${name}`),
    );
    expect(files.filter((file) => file.startsWith('docs/')).sort()).toEqual(written.sort());
  });

  it('have different places and a title', () => {
    const pages = sections().flatMap((section) => section.pages);
    expect(new Set(pages.map(({ path }) => path)).size).toBe(pages.length);
    expect(pages.filter(({ title }) => title === '' || title.includes('.md'))).toEqual([]);
  });
});

describe('links of a page', () => {
  const pages: Record<string, string> = {
    'README.md': 'index.md',
    'docs/reading.md': 'reading.md',
    'docs/http.md': 'http.md',
  };
  const links = {
    file: 'docs/reading.md',
    pathOf: (file: string) => pages[file],
    isStatic: (file: string) => file === 'docs/images/a.png',
    repository: undefined,
  };

  it.each([
    ['to another page', '[HTTP](http.md#from-cacheinterceptor)', '[HTTP](/http.md#from-cacheinterceptor)'],
    ['to a page outside of docs/', '[start](../README.md)', '[start](/index.md)'],
    ['inside the page', '[below](#a-miss)', '[below](#a-miss)'],
    ['to another site', '[keep](https://example.com/a.md)', '[keep](https://example.com/a.md)'],
    ['whose text is code', '[`a[0]`](http.md)', '[`a[0]`](/http.md)'],
    ['in code stay', 'use `[a](http.md)`', 'use `[a](http.md)`'],
    ['in a block of code stay', '```ts\n[a](http.md)\n```\n[a](http.md)', '```ts\n[a](http.md)\n```\n[a](/http.md)'],
    ['pictures', '![A](images/a.png)', '![A](/docs/images/a.png)'],
    ['to a source, with no repository, are text', '[src](../lib/index.ts) and more', 'src and more'],
  ])('%s', (_, written, expected) => {
    expect(rewriteLinks(written, links)).toBe(expected);
  });

  it('to a source lead to the repository', () => {
    const repository = 'https://git.example/a';
    const expected = '[src](https://git.example/a/blob/HEAD/lib/index.ts)';
    expect(rewriteLinks('[src](../lib/index.ts)', { ...links, repository })).toBe(expected);
  });
});
