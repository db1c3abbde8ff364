import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { nearestPackageName } from '../../lib/nest/nearest-package-name.js';

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-async-cache-name-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
  return folder;
}

it('takes the name nearest to the program, past files without one and files that cannot be read', () => {
  const folder = folderWith({
    'package.json': '{"name":"shop"}',
    'dist/package.json': '{"type":"module"}',
    'dist/broken/package.json': '{',
  });
  expect(nearestPackageName(join(folder, 'dist/broken/main.js'), '/')).toBe('shop');
});

it('takes that of the working directory where the program is a tool, or unknown', () => {
  const folder = folderWith({ 'package.json': '{"name":"shop"}', 'node_modules/jest/package.json': '{"name":"jest"}' });
  expect(nearestPackageName(join(folder, 'node_modules/jest/bin/jest.js'), folder)).toBe('shop');
  expect(nearestPackageName('', folder)).toBe('shop');
  expect(nearestPackageName('/nowhere/main.js', '/')).toBe('unnamed');
});
