import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DashboardApp, startDashboardApp } from './support/dashboard-app.js';
import { accessibilityFaults, launchBrowser, visit as visitPage, type Visit } from './support/visit.js';

const SCRIPT = '<script>window.hacked = true</script><img src=x onerror="window.hacked = true">';

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => browser.close());

const visit = (app: DashboardApp, role: string, hash = ''): Promise<Visit> =>
  visitPage(browser, `${app.url}/async-cache${hash}`, { role });

const keyHash = (key: string): string => `#keys/Shop.price/${encodeURIComponent(key)}`;

describe('in a browser', () => {
  it('the page shows live charts, without a complaint of the browser', async () => {
    const app = await startDashboardApp();
    const { page, complaints } = await visit(app, 'read');
    await page.locator('.state.live').waitFor();
    await app.shop.price('tea');
    await app.shop.price('tea');
    await page.getByText('Served from the cache').waitFor();
    await page.locator('canvas').first().waitFor();
    await page.getByRole('rowheader', { name: 'Shop.price' }).waitFor();
    for (const [view, text] of [
      ['jobs', 'Fresh for 1m'],
      ['keys', '"tea"'],
      ['processes', 'this page'],
      ['events', 'stored'],
    ]) {
      await page.getByRole('link', { name: view!, exact: true }).click();
      await page.getByText(text!).first().waitFor();
    }
    expect(complaints).toEqual([]);
  });

  it('a refresh that is clicked really refreshes', async () => {
    const app = await startDashboardApp();
    await app.shop.price('tea');
    const { page, complaints } = await visit(app, 'write', '#keys/Shop.price');
    await page.getByRole('link', { name: 'Shop.price:"tea"' }).click();
    await page.getByText('euros: 1').waitFor();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('euros: 2').waitFor();
    expect(app.shop.prices).toBe(2);
    expect(await app.shop.price('tea')).toEqual({ article: 'tea', euros: 2 });
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete it now' }).click();
    await page.getByText('Deleted.').waitFor();
    expect(await app.cache.of(app.shop, 'price').peek('tea')).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  it('a script in a key, a value or an error does not run', async () => {
    const app = await startDashboardApp();
    await app.shop.price(SCRIPT);
    const { page, complaints } = await visit(app, 'write', keyHash(`Shop.price:${JSON.stringify(SCRIPT)}`));
    await page.locator('pre', { hasText: '<script>' }).waitFor();
    await page.getByRole('link', { name: 'events', exact: true }).click();
    await app.shop.price(`${SCRIPT}2`);
    await page.getByText('<script>').first().waitFor();
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  it('and the browser would tell of one that did: the control', async () => {
    const app = await startDashboardApp();
    const { page, complaints } = await visit(app, 'read');
    await page.locator('.state.live').waitFor();
    await page.evaluate(`{
      const script = document.createElement('script');
      script.textContent = 'window.hacked = true';
      document.body.append(script);
    }`);
    await expect.poll(() => complaints.join()).toContain('Content Security Policy');
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });

  it('a stranger sees nothing, and a reader neither values nor buttons', async () => {
    const app = await startDashboardApp();
    await app.shop.price('tea');
    const stranger = await visit(app, 'none');
    expect(await stranger.page.content()).not.toContain('Async cache');
    expect(await stranger.page.content()).toContain('Cannot GET /async-cache');
    const { page } = await visit(app, 'read', keyHash('Shop.price:"tea"'));
    await page.getByText('Values and changes need write permission.').waitFor();
    expect(await page.getByRole('button', { name: 'Refresh' }).count()).toBe(0);
    expect(await page.locator('pre').count()).toBe(0);
  });

  it('axe would find a fault: the control of the tests of the sample', async () => {
    const app = await startDashboardApp();
    const { page } = await visit(app, 'read');
    await page.locator('.state.live').waitFor();
    await page.evaluate("document.body.append(document.createElement('input'))");
    expect(await accessibilityFaults(page)).toEqual([expect.stringContaining('label')]);
  });

  it('is used with the keyboard alone', async () => {
    const app = await startDashboardApp();
    await app.shop.price('tea');
    const { page } = await visit(app, 'read');
    await page.locator('.state.live').waitFor();
    const focused = () => page.evaluate('document.activeElement.textContent');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    for (let presses = 0; presses < 3; presses++) await page.keyboard.press('Tab');
    expect(await focused()).toBe('keys');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Shop.price:"tea"' }).waitFor();
  });
});
