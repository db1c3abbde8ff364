import { join } from 'node:path';
import { foldersOnPath, installDebianPackage, isExecutable } from './debian-package.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const REMEDY = 'install Chromium or Chrome on the PATH (Debian: apt-get install chromium)';

/** The program of a browser: on the PATH, or installed from Debian's package. */
export function ensureChromium(): string {
  const found = findChromium();
  if (found !== undefined) return found;
  installDebianPackage(['chromium'], 'Chromium');
  const installed = findChromium();
  if (installed === undefined) throw new Error(`No browser to test with: ${REMEDY}.`);
  return installed;
}

function findChromium(): string | undefined {
  return foldersOnPath()
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find(isExecutable);
}
