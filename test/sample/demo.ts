import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';

/** A run of `npm run demo:orm` without its build, which `build-sample.ts` has done. */
export class Demo {
  readonly process: ChildProcess;
  readonly #temp = mkdtempSync(join(tmpdir(), 'demo-orm-'));
  readonly #exited: Promise<unknown>;
  output = '';

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    // As the temp folder of a system: PostgreSQL runs as another user, and removes its own folder.
    chmodSync(this.#temp, 0o1777);
    const child = spawn(process.execPath, ['sample/dist/demo/orm.js', ...args], {
      env: { ...process.env, TMPDIR: this.#temp, ...env, REDIS_URL: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => (this.output += text.toString()));
    }
    this.process = child;
    this.#exited = once(child, 'close');
    onTestFinished(async () => {
      child.kill('SIGINT');
      await this.#exited;
      await expect.poll(() => this.leftovers()).toEqual([]);
      rmSync(this.#temp, { recursive: true, force: true });
    });
  }

  async exitCode(): Promise<number | null> {
    await this.#exited;
    return this.process.exitCode;
  }

  says(text: string): Promise<void> {
    return expect.poll(() => this.output, { timeout: 90_000 }).toContain(text);
  }

  /** The checks that failed. */
  failures(): string[] {
    return [...this.output.matchAll(/✗ (.*?): seen/g)].map(([, what = '']) => what.replaceAll(': seen', ''));
  }

  /** The folders of its servers, which their shells remove after they have ended. */
  leftovers(): string[] {
    return readdirSync(this.#temp).filter((name) => name.startsWith('cities-'));
  }

  /** The id of a process that the demo started. */
  childNamed(part: string): number {
    const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args=']).toString().trim().split('\n');
    const found = processes
      .map((line) => line.trim().split(/\s+/))
      .find(([, parent, ...args]) => Number(parent) === this.process.pid && args.join(' ').includes(part));
    return Number(found?.[0]);
  }
}
