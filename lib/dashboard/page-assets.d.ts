/** The files of the page by their names. `page/build.mjs` makes the module. */
export declare const PAGE_ASSETS: Readonly<Record<'page.js' | 'page.css' | 'icon.svg', string>>;
