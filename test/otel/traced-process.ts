import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.js';

export interface FinishedSpan {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: number;
  readonly parent?: string;
  readonly traceId: string;
  readonly spanId: string;
}

export interface TracedProcess {
  read(symbol: string): Promise<{ status: string; traceId: string; spanId: string }>;
  spans(): Promise<FinishedSpan[]>;
  /** What Prometheus would get. */
  scrape(): Promise<string>;
  close(): Promise<void>;
}

interface Options {
  readonly url: string;
  readonly prefix: string;
  readonly worker: boolean;
  readonly sabotage?: boolean;
}

const SCRIPT = fileURLToPath(new URL('traced-process.mjs', import.meta.url));

export async function startTracedProcess(options: Options): Promise<TracedProcess> {
  const port = await freePort();
  const child = fork(SCRIPT, [JSON.stringify({ ...options, port })], { execArgv: [] });
  await once(child, 'message');
  let last = 0;
  const call = <Result>(name: string, ...args: unknown[]): Promise<Result> =>
    new Promise((resolve) => {
      const id = ++last;
      const answered = (message: { id: number; result: Result }): void => {
        if (message.id !== id) return;
        child.off('message', answered);
        resolve(message.result);
      };
      child.on('message', answered);
      child.send({ id, call: name, args });
    });
  return {
    read: (symbol) => call('read', symbol),
    spans: () => call('spans'),
    scrape: async () => (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text(),
    close: async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
