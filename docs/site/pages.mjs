import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The pages of the site, as files of the repository, in the order in which a new user asks. `docs` are files of docs/
 * without `.md`; the title of a page is its first heading, unless one is given here.
 */
const SECTIONS = [
  { text: 'Start', pages: [['README.md', 'What it does'], 'docs/nest.md', 'docs/testing.md', 'docs/migrating.md'] },
  {
    text: 'Reading',
    pages: [
      'docs/reading.md',
      'docs/values-and-keys.md',
      'docs/inside-a-fetch.md',
      'docs/batches.md',
      'docs/keeping-warm.md',
      'docs/http.md',
    ],
  },
  { text: 'Writing', pages: ['docs/invalidation-and-tags.md'] },
  {
    text: 'ORMs and stores',
    pages: [
      'docs/typeorm.md',
      'docs/prisma.md',
      'docs/drizzle.md',
      'docs/sequelize.md',
      'docs/mikro-orm.md',
      'docs/mongoose.md',
      'docs/cache-manager.md',
    ],
  },
  {
    text: 'Operating',
    pages: [
      'docs/redis-and-workers.md',
      'docs/deploys.md',
      'docs/failures.md',
      'docs/failure-modes.md',
      'docs/watching.md',
      'docs/dashboard.md',
      'docs/command-line.md',
      'docs/opentelemetry.md',
      'docs/health.md',
      'docs/security.md',
      'docs/performance.md',
      'docs/scaling.md',
    ],
  },
  { text: 'Reference', pages: ['docs/options.md', ['CHANGELOG.md', 'Changelog']] },
  {
    text: 'Internals',
    pages: [
      'docs/how-it-works.md',
      'docs/writing-a-store.md',
      'CONTRIBUTING.md',
      'sample/README.md',
      'bench/README.md',
      'bench/results.md',
      ['test/chaos/README.md', 'Checking the guarantees'],
    ],
  },
];

const DECISIONS = 'docs/decisions';

/** Files that a page offers for download. They become static files of the site. */
export const DOWNLOADS = ['sample/grafana/async-cache.json'];

/** `{ text, pages: { file, path, title }[] }[]`; `file` in the repository, `path` on the site, both without a slash in front. */
export function sections() {
  const decisions = readdirSync(`${root}${DECISIONS}`).filter((name) => name.endsWith('.md'));
  return [...SECTIONS, { text: 'Decisions', pages: decisions.sort().map((name) => `${DECISIONS}/${name}`) }].map(
    ({ text, pages }) => ({
      text,
      pages: pages.map((page) => {
        const [file, title] = typeof page === 'string' ? [page, titleOf(page)] : page;
        return { file, path: pathOf(file), title };
      }),
    }),
  );
}

function pathOf(file) {
  if (file === 'README.md') return 'index.md';
  return file
    .replace(/^docs\//, '')
    .replace(/README\.md$/, 'index.md')
    .toLowerCase();
}

function titleOf(file) {
  const [, title = file] = /^# (.+)$/m.exec(readFileSync(`${root}${file}`, 'utf8')) ?? [];
  return title.replaceAll('`', '');
}
