import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { ensureChromium } from '../support/ensure-chromium.js';

const DIST = 'docs/site/.vitepress/dist';
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
};

let server: Server;
let origin: string;
let browser: Browser;

beforeAll(async () => {
  // Any static server will do: it answers with files, and does not guess `.html`.
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    const file = join(DIST, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    readFile(file).then(
      (bytes) => response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' }).end(bytes),
      () => response.writeHead(404).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  browser = await chromium.launch({
    executablePath: ensureChromium(),
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-dev-shm-usage'],
  });
});

afterAll(async () => {
  await browser.close();
  server.close();
});

async function visit(path: string): Promise<{ page: Page; complaints: string[]; foreign: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(30_000);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  const foreign: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('data:')) foreign.push(request.url());
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()}: ${String(response.status())}`);
  });
  await page.goto(origin + path);
  return { page, complaints, foreign };
}

it('opens, and the sidebar leads from page to page', async () => {
  const { page, complaints, foreign } = await visit('/');
  await page.getByRole('heading', { level: 1, name: 'nestjs-async-cache' }).waitFor();
  const sidebar = page.getByRole('navigation', { name: 'Sidebar Navigation' });
  await sidebar.getByRole('link', { name: 'Dashboard', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
  const picture = page.locator('img[src*="dashboard-overview-light"]');
  await picture.scrollIntoViewIfNeeded();
  await expect
    .poll(() => picture.evaluate((image) => Reflect.get(image, 'naturalWidth') as number))
    .toBeGreaterThan(600);
  expect(complaints).toEqual([]);
  expect(foreign).toEqual([]);
});

it('finds what is searched for, without a request to anywhere else', async () => {
  const { page, complaints, foreign } = await visit('/');
  await page.keyboard.press('Control+k');
  await page.getByRole('searchbox').fill('grace');
  await page.locator('.results a', { hasText: 'Job options' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'Options' }).waitFor();
  expect(complaints).toEqual([]);
  expect(foreign).toEqual([]);
});

it('has the API of each subpath, with links between the types', async () => {
  const { page, complaints } = await visit('/api/nestjs-async-cache/near.html');
  await page.getByText('Copies of the entries of a remote store in this process.').waitFor();
  await page.getByRole('link', { name: 'Store', exact: true }).first().click();
  await page.waitForURL(/nestjs-async-cache\.html#store/);
  await page.getByText('Where entries live. Reads of a store that returns no promise').waitFor();
  expect(complaints).toEqual([]);
});

it('and a page that asks somebody else would be noticed: the control', async () => {
  const { page, foreign } = await visit('/');
  await page.evaluate(`fetch('http://127.0.0.2:9/font.woff2').catch(() => undefined)`);
  expect(foreign).toEqual(['http://127.0.0.2:9/font.woff2']);
});
