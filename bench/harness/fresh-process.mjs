import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MEASURE = fileURLToPath(new URL('../measure.mjs', import.meta.url));

/** Takes one measurement in a process of its own. Never rejects: what goes wrong is `{ error }`. */
export function measureInFreshProcess(spec, { timeout = 120_000 } = {}) {
  return new Promise((resolve) => {
    const flags = ['--expose-gc', '--no-warnings', ...(spec.flags ?? [])];
    const child = spawn(process.execPath, [...flags, MEASURE, JSON.stringify(spec)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let result;
    let complaints = '';
    child.stderr.on('data', (text) => (complaints = `${complaints}${text}`.slice(-2_000)));
    child.on('message', (message) => (result = message));
    const killer = setTimeout(() => {
      result ??= { error: `not done after ${timeout / 1_000} s` };
      child.kill('SIGKILL');
    }, timeout);
    child.on('close', (code, signal) => {
      clearTimeout(killer);
      resolve(result ?? { error: `ended with ${signal ?? code}: ${lastLine(complaints)}` });
    });
  });
}

function lastLine(text) {
  return text.trim().split('\n').at(-1)?.slice(0, 160) ?? '';
}
