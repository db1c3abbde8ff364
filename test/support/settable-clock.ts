import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureDebianProgram } from './ensure-debian-program.js';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('nestjs-async-cache/package.json'));
const SOURCE = join(PACKAGE, 'test/support/settable-clock.c');

/**
 * The wall clock of programs that are started with `env`. Only on Linux, and with a C compiler. libfaketime does not do: a
 * Redis whose allocator asks for the time hangs in it.
 */
export class SettableClock {
  readonly env: Readonly<Record<string, string>>;
  readonly #folder = mkdtempSync(join(tmpdir(), 'nestjs-async-cache-clock-'));
  readonly #file: number;

  constructor() {
    const library = join(this.#folder, 'settable-clock.so');
    const offset = join(this.#folder, 'offset');
    execFileSync(ensureDebianProgram('cc', 'gcc', 'libc6-dev'), ['-shared', '-fPIC', '-O1', '-o', library, SOURCE]);
    writeFileSync(offset, Buffer.alloc(8));
    this.#file = openSync(offset, 'r+');
    this.env = { LD_PRELOAD: library, CLOCK_OFFSET: offset };
  }

  /** By how many milliseconds it differs from the clock of the host, from now on. */
  set(offset: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(offset));
    writeSync(this.#file, bytes, 0, bytes.length, 0);
  }

  remove(): void {
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
