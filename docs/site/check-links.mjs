import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What is wrong with the links of a built site, as `page → link`: those to a page, a file or a heading that is not there, and
 * whatever a page would load from elsewhere. VitePress checks pages alone, without headings.
 */
export function wrongLinks(dist) {
  const pages = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));
  const ids = new Map();
  const idsOf = (file) => {
    if (!ids.has(file)) {
      const html = readFileSync(join(dist, file), 'utf8');
      ids.set(file, new Set([...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => unescape(id))));
    }
    return ids.get(file);
  };
  return pages.flatMap((page) => {
    const html = readFileSync(join(dist, page), 'utf8');
    const loaded = [...html.matchAll(/<(?:script|img|iframe|link)\b[^>]* (?:src|href)="([^"]*)"/g)].map(
      ([, url]) => url,
    );
    const linked = [...html.matchAll(/<a\b[^>]* href="([^"]*)"/g)].map(([, url]) => url);
    const foreign = loaded.filter((url) => /^(?:[a-z]+:)?\/\//.test(url));
    const broken = [...loaded, ...linked].map(unescape).filter((url) => {
      if (/^(?:[a-z]+:|\/\/)/.test(url)) return false;
      const { pathname, hash } = new URL(url, `http://site/${page}`);
      const file = fileOf(dist, decodeURIComponent(pathname));
      if (file === undefined) return true;
      return hash !== '' && !idsOf(file).has(decodeURIComponent(hash.slice(1)));
    });
    return [...foreign, ...broken].map((url) => `${page} → ${url}`);
  });
}

function fileOf(dist, pathname) {
  const path = pathname.slice(1);
  return [path, `${path}.html`, join(path, 'index.html')].find(
    (file) => existsSync(join(dist, file)) && statSync(join(dist, file)).isFile(),
  );
}

function unescape(html) {
  return html
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
