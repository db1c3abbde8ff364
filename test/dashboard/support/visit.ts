import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { ensureChromium } from '../../support/ensure-chromium.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function launchBrowser(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: ensureChromium(),
    args: [...(isRoot ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

export interface Visit {
  readonly page: Page;
  /** What the browser complained about: scripts that failed or were refused, files that did not load. */
  readonly complaints: string[];
}

export interface Visitor {
  /** Sent as `x-role`. */
  readonly role?: string;
  readonly colorScheme?: 'light' | 'dark';
}

export async function visit(browser: Browser, url: string, { role, colorScheme = 'light' }: Visitor): Promise<Visit> {
  const context = await browser.newContext({
    extraHTTPHeaders: role === undefined ? {} : { 'x-role': role },
    colorScheme,
    viewport: { width: 1280, height: 860 },
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(30_000);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => {
    if (!request.url().endsWith('/stream')) complaints.push(`${request.url()} failed`);
  });
  await page.goto(url);
  return { page, complaints };
}

/** The serious faults that axe finds on a page. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
