import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { sections } from '../pages.mjs';

const api = fileURLToPath(new URL('../pages/api', import.meta.url));
/** One page for each subpath of the package, the root first. */
const subpaths = readdirSync(api, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.md') && file !== 'index.md')
  .map((file) => file.replaceAll('\\', '/').replace(/\.md$/, ''))
  .sort();

export default defineConfig({
  srcDir: 'pages',
  title: 'nestjs-async-cache',
  description: 'Asynchronous cache refreshing for NestJS',
  // The site may be published below any path.
  base: process.env.DOCS_BASE ?? '/',
  // Pages are files, so that any static server finds them.
  cleanUrls: false,
  lastUpdated: false,
  // No icon, so that browsers do not ask for one.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    anchor: { slugify },
    toc: { slugify },
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          // The API has each word a hundred times: pages for readers come first.
          searchOptions: { boostDocument: (id) => (/\/(?:api|decisions)\//.test(id) ? 0.05 : 1) },
        },
      },
    },
    outline: [2, 3],
    nav: [
      { text: 'Options', link: '/options' },
      { text: 'API', link: '/api/' },
      { text: 'Changelog', link: '/changelog' },
    ],
    sidebar: [
      ...sections().map(({ text, pages }) => ({
        text,
        collapsed: text === 'Decisions' || undefined,
        items: pages.map(({ path, title }) => ({ text: title, link: `/${path.replace(/(index)?\.md$/, '')}` })),
      })),
      {
        text: 'API',
        collapsed: true,
        items: subpaths.map((subpath) => ({ text: subpath, link: `/api/${subpath}` })),
      },
    ],
  },
});

/** The anchor that GitHub gives to a heading: the links in the pages are written for it. */
function slugify(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}
