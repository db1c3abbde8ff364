import { styleText } from 'node:util';
import { inSeconds } from './latencies.js';

const PLAIN_PROGRESS_EVERY_MS = 2_000;

/** What the demo prints, and whether all checks passed. */
export class Story {
  readonly #start = performance.now();
  readonly #isTerminal = process.stdout.isTTY;
  #chapters = 0;
  #checks = 0;
  readonly #broken: string[] = [];
  #liveLine = '';
  #lastProgress = performance.now();

  constructor({ hangsAfter = 120 }: { hangsAfter?: number } = {}) {
    setTimeout(() => {
      this.#print(this.#style('red', `This takes longer than ${hangsAfter} s: something hangs.`));
      process.exit(1);
    }, hangsAfter * 1000).unref();
  }

  title(title: string, subtitle: string): void {
    this.#print(`\n${this.#style('bold', title)}\n${subtitle}`);
  }

  chapter(title: string): void {
    this.#chapters++;
    this.#print(`\n${this.#style('bold', `${this.#chapters}. ${title}`)}`);
    this.#lastProgress = performance.now();
  }

  tell(line: string): void {
    this.#print(`   ${line}`);
  }

  /** The current progress: one line that changes on a terminal, a new line now and then elsewhere. */
  progress(line: string): void {
    if (this.#isTerminal) {
      const width = process.stdout.columns;
      this.#liveLine = `   … ${line}`.slice(0, width - 1);
      process.stdout.write(`\r${this.#style('dim', this.#liveLine)}\x1b[K`);
      return;
    }
    if (performance.now() - this.#lastProgress < PLAIN_PROGRESS_EVERY_MS) return;
    this.#lastProgress = performance.now();
    this.#print(`   … ${line}`);
  }

  /** Checks something. `seen` is printed when the check fails. */
  expect(what: string, isSo: boolean, seen: string | number = 'the contrary'): void {
    this.#checks++;
    if (isSo) return this.#print(`   ${this.#style('green', '✓')} ${what}`);
    this.#broken.push(what);
    this.#print(`   ${this.#style('red', '✗')} ${what}: seen ${seen}`);
  }

  /** The exit code. */
  end(): number {
    const broken = this.#broken.length;
    const verdict =
      broken === 0
        ? this.#style('green', `All ${this.#checks} checks passed`)
        : this.#style('red', `${broken} of ${this.#checks} checks failed`);
    this.#print(`\n${verdict} in ${inSeconds(performance.now() - this.#start)}.`);
    return broken === 0 ? 0 : 1;
  }

  #print(text: string): void {
    if (this.#liveLine !== '') process.stdout.write('\r\x1b[K');
    this.#liveLine = '';
    process.stdout.write(`${text}\n`);
  }

  #style(format: 'bold' | 'dim' | 'green' | 'red', text: string): string {
    return this.#isTerminal && process.env['NO_COLOR'] === undefined ? styleText(format, text) : text;
  }
}
