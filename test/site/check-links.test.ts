import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { wrongLinks } from '../../docs/site/check-links.mjs';

function site(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'site-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  mkdirSync(join(folder, 'api'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const GOOD = {
  'index.html':
    '<h1 id="start">a</h1><a href="/other.html#a-b">b</a><a href="#start">c</a><a href="/api/">d</a><img class="x" src="/a.png"><a href="https://example.com/">e</a>',
  'other.html': '<h2 id="a-b">a</h2>',
  'api/index.html': '<a href="../other.html">a</a>',
  'a.png': '',
};

it('finds nothing wrong where all links lead somewhere', () => {
  expect(wrongLinks(site(GOOD))).toEqual([]);
});

it.each([
  ['a page', '<a class="x" href="/nowhere.html">', '/nowhere.html'],
  ['a heading', '<a href="/other.html#nowhere">', '/other.html#nowhere'],
  ['a heading of its own', '<a href="#nowhere">', '#nowhere'],
  ['a picture', '<img src="/b.png">', '/b.png'],
  ['a script from elsewhere', '<script src="https://cdn.example/a.js">', 'https://cdn.example/a.js'],
  ['a font from elsewhere', '<link rel="stylesheet" href="//fonts.example/a.css">', '//fonts.example/a.css'],
])('finds %s', (_, html, wrong) => {
  expect(wrongLinks(site({ ...GOOD, 'other.html': `<h2 id="a-b">a</h2>${html}` }))).toContain(`other.html → ${wrong}`);
});
