import type { ServerResponse } from 'node:http';

/** Of every answer but the 404 for strangers, which must not differ from that of a path that does not exist. */
const ALWAYS = {
  'Cache-Control': 'no-store',
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** `nonce`: of the page's own script and style sheet. Other scripts of the same origin, such as uploads, do not run. */
export function writeSecurityHeaders(response: ServerResponse, nonce?: string): void {
  for (const [name, value] of Object.entries(ALWAYS)) response.setHeader(name, value);
  const needs =
    nonce === undefined
      ? []
      : [`script-src 'nonce-${nonce}'`, `style-src 'nonce-${nonce}'`, "connect-src 'self'", "img-src 'self'"];
  const policy = ["default-src 'none'", ...needs, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];
  response.setHeader('Content-Security-Policy', policy.join('; '));
}
