import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type BuildOptions } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';

const APPLICATION = `
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import Keyv from 'keyv';
import { AsyncCached, AsyncCacheModule } from 'nestjs-async-cache';

@Injectable()
class ReportService {
  @AsyncCached(60)
  async sales(region: string): Promise<string> {
    return region;
  }
}

/** Keyv takes a Map for the memory of this process. */
const held = new Map<string, unknown>();
const remote = {
  get: async (key: string) => held.get(key),
  set: async (key: string, value: unknown) => held.set(key, value),
  delete: async (key: string) => held.delete(key),
  clear: async () => held.clear(),
};

@Module({ imports: [AsyncCacheModule.forRoot({ stores: [new Keyv({ store: remote })] })], providers: [ReportService] })
class ApplicationModule {}

const app = await NestFactory.createApplicationContext(ApplicationModule, { logger: ['warn', 'error'] });
console.log(await app.get(ReportService).sales('eu'));
await app.close();
`;

/** What an application prints that was bundled so. */
async function printed(options: BuildOptions): Promise<string> {
  const folder = mkdtempSync(join(process.cwd(), 'test/.bundle-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [source, bundle] = [join(folder, 'main.ts'), join(folder, 'main.mjs')];
  writeFileSync(source, APPLICATION);
  const experimentalDecorators = { compilerOptions: { experimentalDecorators: true } };
  await build({
    entryPoints: [source],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    tsconfigRaw: experimentalDecorators,
    ...options,
  });
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [bundle]);
  return stdout + stderr;
}

it('a minified bundle is told at start-up what to do', async () => {
  const output = await printed({ minify: true });
  expect(output).toMatch(/bundler has shortened: [A-Za-z_$][\w$]?\.sales.*keepNames/);
  expect(output).toMatch(/\beu\n/);
});

it('one that keeps its names is not', async () => {
  expect(await printed({ minify: true, keepNames: true })).not.toContain('shortened');
});

it('nor is one that is not minified', async () => {
  expect(await printed({})).not.toContain('shortened');
});
