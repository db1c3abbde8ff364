import type { IncomingHttpHeaders } from 'node:http';

/**
 * Why a request cannot be shown to come from a page of this server; undefined when it does. Browsers set both headers
 * themselves. `Sec-Fetch-Site` comes first, since proxies often replace `Host`, and then `Origin` cannot be compared.
 */
export function foreignOrigin(headers: IncomingHttpHeaders): string | undefined {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' ? undefined : 'The request comes from another site.';
  const { origin, host } = headers;
  if (origin === undefined) {
    return 'The request says not where it comes from: a proxy may have removed the headers Origin and Sec-Fetch-Site. Let one of them pass.';
  }
  if (hostOf(origin) === host?.toLowerCase()) return undefined;
  return 'The request comes from another site, or a proxy has replaced the header Host: let it pass as the browser sent it.';
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
