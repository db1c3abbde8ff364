import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ensurePostgres } from '../support/ensure-postgres.js';

/** `npm run demo:orm` without its build: `npm run test:long` has built the package. */
describe('demo:orm', () => {
  beforeAll(() => {
    execFileSync('npx', ['tsc', '-p', 'sample'], { stdio: 'inherit' });
    ensurePostgres();
  });

  it(
    'passes all its checks with TypeORM and with Prisma, and leaves nothing behind',
    { timeout: 400_000 },
    async () => {
      const demo = new Demo([]);
      expect(await demo.exitCode(), demo.output).toBe(0);
      expect(demo.output).toMatch(/^All 60 checks passed/m);
      await expect.poll(() => demo.leftovers()).toEqual([]);
    },
  );

  describe('control: it fails', { timeout: 400_000 }, () => {
    // A demo that fails waits for what does not come. These two are ended as soon as they have said what matters.
    it('where writes make nothing stale', async () => {
      const demo = new Demo(['prisma'], { INVALIDATE: 'false' });
      await demo.fails('once it was acknowledged, old rows were marked as stale');
      await demo.fails('then both web processes had what is new');
      await demo.fails('the worker fetched once');
    });

    it('where nothing is cached', async () => {
      const demo = new Demo(['typeorm'], { CACHE: 'false' });
      await demo.fails('the database was asked once');
      await demo.fails('the ten later reads were hits');
      await demo.fails('before the commit London is as it was, and fresh');
      await demo.fails('nothing is stale, and London is as it was');
      await demo.fails('the database was left alone');
    });

    it('where web processes refresh instead of the worker', async () => {
      const demo = new Demo(['typeorm'], { REFRESH_IN: 'web' });
      expect(await demo.exitCode()).toBe(1);
      await demo.fails('nobody waited: no read of a web process asked the database');
    });
  });

  it('says in one line where there is no PostgreSQL', async () => {
    const demo = new Demo([], { POSTGRES_BIN: join(tmpdir(), 'no-such-folder') });
    expect(await demo.exitCode()).toBe(1);
    expect(demo.output.trim().split('\n')).toEqual([
      expect.stringMatching(/^There is no PostgreSQL to start: install/),
    ]);
  });

  it('stops its servers when it is interrupted', { timeout: 120_000 }, async () => {
    const demo = new Demo(['typeorm']);
    await demo.says('database was asked once');
    expect(demo.leftovers()).toHaveLength(2);
    demo.process.kill('SIGINT');
    expect(await demo.exitCode()).not.toBe(0);
    await expect.poll(() => demo.leftovers()).toEqual([]);
  });

  it('ends, with its servers, when a process of it dies', { timeout: 120_000 }, async () => {
    const demo = new Demo(['typeorm']);
    await demo.says('database was asked once');
    process.kill(demo.childNamed('worker.js'), 'SIGKILL');
    expect(await demo.exitCode()).toBe(1);
    expect(demo.output).toContain('worker ended with SIGKILL.');
    await expect.poll(() => demo.leftovers()).toEqual([]);
  });
});

class Demo {
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

  /** Until it has said that a check failed. */
  fails(check: string): Promise<void> {
    return expect.poll(() => this.#failures, { timeout: 120_000 }).toContain(check);
  }

  get #failures(): string[] {
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
