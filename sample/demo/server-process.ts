import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_WITHIN_MS = 30_000;

/**
 * The shell runs the server and waits for it. It stops the server when its own input ends: at `stop`, or when the demo
 * ends in any way. Then it removes the server's folder.
 */
const SCRIPT = `
  signal=$1 folder=$2; shift 2
  exec 3<&0
  "$@" 3<&- & server=$!
  (read -r _ <&3; kill -s "$signal" $server) 2>/dev/null & reader=$!
  wait $server
  kill $reader 2>/dev/null
  rm -rf "$folder"`;

interface ServerProgram {
  readonly name: string;
  readonly command: readonly string[];
  /** Its own, in the temp folder of the system. */
  readonly folder: string;
  readonly stopSignal: 'TERM' | 'QUIT';
  readonly user?: { readonly uid?: number; readonly gid?: number };
  /** Whether it answers. */
  readonly isReady: () => Promise<boolean>;
}

/** A server that the demo starts, and that ends with the demo. */
export class ServerProcess {
  readonly #shell: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #folder: string;
  #isStopping = false;
  #said = '';

  private constructor(
    private readonly name: string,
    { command, folder, stopSignal, user }: ServerProgram,
  ) {
    this.#folder = folder;
    // Detached: Ctrl-C in a terminal reaches the demo only, and the server ends after it.
    this.#shell = spawn('sh', ['-c', SCRIPT, 'sh', stopSignal, folder, ...command], {
      ...user,
      cwd: folder,
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#shell.stderr?.on('data', (text: Buffer) => (this.#said = `${this.#said}${text.toString()}`.slice(-4_000)));
    this.#exited = once(this.#shell, 'exit');
  }

  /** Rejects with what the server said when it is not ready in time. */
  static async start(program: ServerProgram): Promise<ServerProcess> {
    const server = new ServerProcess(program.name, program);
    const deadline = performance.now() + READY_WITHIN_MS;
    while (!(await program.isReady())) {
      const hasEnded = server.#shell.exitCode !== null || server.#shell.signalCode !== null;
      if (hasEnded || performance.now() > deadline) {
        await server.stop();
        throw new Error(`${program.name} ${hasEnded ? 'ended' : 'was not ready'}. It said:\n${server.#said}`);
      }
      await sleep(20);
    }
    return server;
  }

  /** Rejects when the server ends before it is stopped. */
  async died(): Promise<never> {
    await this.#exited;
    if (this.#isStopping) return new Promise(() => undefined);
    throw new Error(`${this.name} ended. It said:\n${this.#said}`);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#shell.stdin?.end();
    await this.#exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
