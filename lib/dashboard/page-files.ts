import { readFile } from 'node:fs/promises';

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

/** The files of the page, as the build has made them. Each is read once. */
export class PageFiles {
  readonly #read = new Map<PageFileName, Promise<Buffer>>();

  has(name: string): name is PageFileName {
    return Object.hasOwn(TYPES, name);
  }

  async get(name: PageFileName): Promise<PageFile> {
    const reading = this.#read.get(name) ?? readFile(new URL(`./assets/${name}`, import.meta.url));
    this.#read.set(name, reading);
    return { type: TYPES[name], bytes: await reading };
  }
}
