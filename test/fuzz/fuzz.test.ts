import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const fuzzer = fileURLToPath(new URL('fuzz.mjs', import.meta.url));

it(
  'some seconds of mutated bytes, entries, items, requests, leases and indexes have no finding',
  { timeout: 60_000 },
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [fuzzer, '--minutes', '0.2']);
    expect(stdout).toContain(' 0 findings');
    expect(stdout).toContain('"server"');
  },
);
