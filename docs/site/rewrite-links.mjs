import { posix } from 'node:path';

/** Code in a line, which is left alone, or a link or picture, whose text may contain code. */
const CODE_OR_LINK = /`[^`\n]*`|(!?)\[((?:`[^`\n]*`|[^[\]`])*)\]\(([^)\s]+)\)/g;
const FENCE = /(^```[^]*?^```$)/m;

/**
 * The text of a page with its links as the site has them. In the repository they are relative to the file. On the site a
 * page may lie elsewhere, so a link to a page or to a static file becomes absolute. A link to a file that is neither leads
 * to the repository where package.json names one. Where it names none, the text of the link stays, without a link.
 */
export function rewriteLinks(text, { file, pathOf, isStatic, repository }) {
  const rewrite = (link, mark, label, target) => {
    if (target === undefined || /^([a-z]+:|#)/.test(target)) return link;
    const [relative, anchor] = target.split('#');
    const linked = posix.join(posix.dirname(file), relative);
    const page = pathOf(linked);
    if (page !== undefined) return `${mark}[${label}](/${page}${anchor === undefined ? '' : `#${anchor}`})`;
    if (isStatic(linked)) return `${mark}[${label}](/${linked})`;
    return repository === undefined ? label : `[${label}](${repository}/blob/HEAD/${linked})`;
  };
  return text
    .split(FENCE)
    .map((part) => (part.startsWith('```') ? part : part.replace(CODE_OR_LINK, rewrite)))
    .join('');
}
