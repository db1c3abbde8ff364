import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

const READY_WITHIN_MS = 90_000;
const END_WITHIN_MS = 5_000;

/** One of the samples, running in a process of its own. */
export class SampleProcess {
  #isEnding = false;

  private constructor(
    readonly name: string,
    /** Where it listens, if it does. */
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** Starts a main file of the samples, and waits until it says that it is ready. */
  static async start(name: string, main: string, environment: Record<string, string> = {}): Promise<SampleProcess> {
    const child = fork(new URL(`../${main}`, import.meta.url), {
      env: { ...process.env, NO_COLOR: '1', PORT: '0', PROCESS_NAME: name, ...environment },
      execArgv: ['--import', new URL('./end-with-parent.js', import.meta.url).href],
      silent: true,
    });
    const ready = await readyLine(name, child);
    return new SampleProcess(name, /http:\S+/.exec(ready)?.[0] ?? '', child);
  }

  /** Stops it as the end of a deployment does. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Rejects when it ends by itself. */
  async died(): Promise<never> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    if (this.#isEnding) return new Promise(() => undefined);
    throw new Error(`${this.name} ended with ${child.signalCode ?? child.exitCode}.`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    this.#isEnding = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const impatience = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
    await ended;
    clearTimeout(impatience);
  }
}

function readyLine(name: string, child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const listen = (chunk: Buffer): void => {
      output += chunk.toString();
      const ready = /^Ready.*$/m.exec(output);
      if (ready === null) return;
      stopListening();
      // From here on only errors are of interest.
      child.stdout?.resume();
      child.stderr?.on('data', (later: Buffer) => process.stderr.write(`${name}: ${later.toString()}`));
      resolve(ready[0]);
    };
    const fail = (what: string): void => {
      stopListening();
      child.kill('SIGKILL');
      reject(new Error(`${name} ${what}. It said:\n${output}`));
    };
    const ended = (): void => fail('ended before it was ready');
    const patience = setTimeout(() => fail(`was not ready in ${READY_WITHIN_MS / 1000} s`), READY_WITHIN_MS);
    const stopListening = (): void => {
      clearTimeout(patience);
      child.off('exit', ended);
      child.stdout?.off('data', listen);
      child.stderr?.off('data', listen);
    };
    child.once('exit', ended);
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
  });
}
