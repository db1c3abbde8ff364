export interface PageFacts {
  readonly nonce: string;
  /** What the browser puts before the names of the files and the calls, relative to the page's own address. */
  readonly base: string;
}

/** The page itself: all that it shows comes later, from calls that the guard is asked about again. */
export function pageDocument({ nonce, base }: PageFacts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Async cache</title>
<link rel="icon" href="${base}icon.svg">
<link rel="stylesheet" href="${base}page.css" nonce="${nonce}">
<script type="module" src="${base}page.js" nonce="${nonce}"></script>
</head>
<body>
<div id="dashboard" data-base="${base}"><noscript>This page needs JavaScript.</noscript></div>
</body>
</html>
`;
}
