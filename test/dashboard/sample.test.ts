import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SampleProcess } from '../../sample/demo/sample-process.js';
import { accessibilityFaults, launchBrowser, visit } from './support/visit.js';

const CROWDED = 'CityReports.mostCrowded';
const KEY = `${CROWDED}:"AT"`;

let browser: Browser;
let sample: SampleProcess;

// The sample as its page says: compiled, in a process of its own, on the built package.
beforeAll(async () => {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'sample']);
  const compiled = pathToFileURL('sample/dist/demo/sample-process.js').href;
  const { SampleProcess: Started } = (await import(compiled)) as { SampleProcess: typeof SampleProcess };
  sample = await Started.start('embedded', 'embedded/main.js');
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
  await sample.stop();
});

const dashboard = (hash = ''): string => `${sample.url}/async-cache${hash}`;
const keyHash = `#keys/${CROWDED}/${encodeURIComponent(KEY)}`;

async function read(country = 'AT'): Promise<Response> {
  return fetch(`${sample.url}/countries/${country}/crowded`);
}

interface Counts {
  readonly fetches: number;
  readonly stored: number;
}

async function counts(): Promise<Counts> {
  const { jobs } = (await (await fetch(`${sample.url}/cache/stats`)).json()) as { jobs: Record<string, Counts> };
  const { fetches = 0, stored = 0 } = jobs[CROWDED] ?? {};
  return { fetches, stored };
}

describe('on the running sample', () => {
  it('every view opens, without a complaint of the browser', async () => {
    await read();
    const { page, complaints } = await visit(browser, dashboard(), {});
    await page.locator('.state.live').waitFor();
    // Events are those since the page was opened.
    await read('CH');
    await page.getByRole('rowheader', { name: CROWDED }).waitFor();
    await page.locator('canvas').first().waitFor();
    for (const [view, text] of [
      ['jobs', 'NearbyCities'],
      ['processes', 'this page'],
      ['events', 'stored'],
    ]) {
      await page.getByRole('link', { name: view!, exact: true }).click();
      await page.getByText(text!).first().waitFor();
    }
    await page.goto(dashboard(`#keys/${CROWDED}`));
    await page.getByRole('link', { name: KEY }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('a refresh that is clicked asks the database once', async () => {
    // After a miss nothing but the page asks for a refresh.
    await fetch(`${sample.url}/cache`, { method: 'DELETE' });
    expect((await read()).headers.get('x-cache')).toBe('miss');
    const { page, complaints } = await visit(browser, dashboard(keyHash), {});
    await page
      .locator('pre', { hasText: 'Wien' })
      .or(page.locator('pre', { hasText: 'Vienna' }))
      .first()
      .waitFor();
    const { fetches, stored } = await counts();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await expect.poll(counts).toEqual({ fetches: fetches + 1, stored: stored + 1 });
    expect(complaints).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('axe finds no serious fault, %s', async (colorScheme) => {
    await read();
    const { page } = await visit(browser, dashboard(), { colorScheme });
    await page.getByText('Served from the cache').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    for (const [hash, text] of [
      ['#jobs', 'Fresh for 4s'],
      [keyHash, KEY],
      ['#processes', 'this page'],
      ['#events', 'Events'],
    ]) {
      await page.goto(dashboard(hash));
      await page.getByText(text!).first().waitFor();
      expect(await accessibilityFaults(page)).toEqual([]);
    }
  });
});
