const TYPES = {
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

export type PageFileName = keyof typeof TYPES;

export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

/** The files of the page, as the build has made them. Loaded when somebody looks at it first. */
export class PageFiles {
  has(name: string): name is PageFileName {
    return Object.hasOwn(TYPES, name);
  }

  async get(name: PageFileName): Promise<PageFile> {
    const { PAGE_ASSETS } = await import('./page-assets.js');
    return { type: TYPES[name], bytes: Buffer.from(PAGE_ASSETS[name]) };
  }
}
