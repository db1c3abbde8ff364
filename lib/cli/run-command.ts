import { inspect, parseArgs } from 'node:util';
import { ConnectedCache } from './connected-cache.js';
import { shown, withoutPassword } from './shown.js';

export interface Surroundings {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  readonly env: Readonly<Partial<Record<string, string>>>;
}

const HELP = `Usage: nestjs-async-cache <command> --redis redis://… [--prefix async-cache]

  explain KEY [--value]     why a key has the value it has, and with --value the value
  keys [START] [--limit N]  stored keys that begin with START, 1,000 at most unless --limit says otherwise
  jobs                      live workers, their applications, and the jobs they know
  invalidate KEY --yes      makes it stale: the next read requests a refresh; --tag TAG in the place of KEY: all with it
  delete KEY --yes          removes it; --tag TAG in the place of KEY: all with it
  clear --yes               removes every entry under the prefix

The address may also be in REDIS_URL. --json prints data. Without --yes nothing is written.`;

const OPTIONS = {
  redis: { type: 'string' },
  prefix: { type: 'string', default: 'async-cache' },
  tag: { type: 'string' },
  limit: { type: 'string', default: '1000' },
  value: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parse>['values'];

/** A mistake in the command line; its message says what to write. */
class UsageError extends Error {}

interface Call extends Surroundings {
  readonly cache: ConnectedCache;
  readonly values: Values;
  readonly subject: string | undefined;
}

const COMMANDS: Readonly<Record<string, (call: Call) => Promise<void>>> = {
  explain,
  keys,
  jobs,
  invalidate,
  delete: remove,
  clear,
};
const WRITING = ['invalidate', 'delete', 'clear'];

/** Runs one command line. Resolves to the exit code: 0, 1 when Redis did not do it, 2 for a mistake in the command line. */
export async function runCommand(argv: readonly string[], around: Surroundings): Promise<number> {
  let url = '';
  const complain = (error: unknown): void => {
    around.err(shown(withoutPassword(error instanceof Error ? error.message : String(error), url)));
  };
  try {
    const { values, positionals } = parse(argv);
    const [name = 'help', subject, ...more] = positionals;
    if (values.help || name === 'help') {
      around.out(HELP);
      return 0;
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw new UsageError(`There is no command ${name}. ${listed()}`);
    if (more.length > 0)
      throw new UsageError(`${name} takes one argument: put a key with spaces or quotes into quotes`);
    if (WRITING.includes(name) && !values.yes) throw new UsageError(`${name} changes the cache: say --yes if it shall`);
    url = values.redis ?? around.env['REDIS_URL'] ?? '';
    if (url === '') throw new UsageError('Say which Redis: --redis redis://host:6379, or REDIS_URL');
    const cache = await ConnectedCache.open(url, values.prefix);
    try {
      await command({ ...around, cache, values, subject });
    } finally {
      await cache.close();
    }
    return 0;
  } catch (error) {
    complain(error);
    return error instanceof UsageError ? 2 : 1;
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function listed(): string {
  return `The commands are: ${Object.keys(COMMANDS).join(', ')}`;
}

async function explain({ cache, values, subject, out }: Call): Promise<void> {
  const key = required(subject, 'explain KEY');
  const { explanation, value, isReadable } = await cache.explain(key);
  const { text, ...facts } = explanation;
  if (values.json) {
    out(JSON.stringify({ ...facts, text, ...(values.value ? { value: isReadable ? inspect(value) : null } : {}) }));
    return;
  }
  out(shown(text));
  if (!values.value || facts.status === 'absent') return;
  out(
    isReadable
      ? shown(inspect(value, { depth: 8, breakLength: Infinity }))
      : 'The value was written by another serializer.',
  );
}

async function keys({ cache, values, subject = '', out, err }: Call): Promise<void> {
  const limit = Number(values.limit);
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError(`--limit is ${values.limit}: give a whole number`);
  let count = 0;
  for await (const key of cache.keys(subject)) {
    if (count === limit) {
      err(`There are more: --limit ${String(limit)} is reached`);
      return;
    }
    out(values.json ? JSON.stringify(key) : shown(key));
    count++;
  }
}

async function jobs({ cache, values, out }: Call): Promise<void> {
  const members = (await cache.members()) ?? [];
  if (values.json) {
    out(JSON.stringify(members));
    return;
  }
  if (members.length === 0) out('No live worker');
  for (const { application, host, pid, prefixes } of members) {
    out(shown(`${application} on ${host}, process ${String(pid)}:`));
    for (const prefix of prefixes) out(shown(`  ${prefix.replace(/:$/, '')}`));
  }
}

async function invalidate({ cache, values, subject, out }: Call): Promise<void> {
  if (values.tag !== undefined) {
    await cache.store.invalidateTags([values.tag]);
    out('done');
    return;
  }
  const { found } = await cache.store.invalidate(required(subject, 'invalidate KEY'));
  out(found ? 'stale: the next read requests a refresh' : 'There is no value under this key');
}

async function remove({ cache, values, subject, out }: Call): Promise<void> {
  if (values.tag !== undefined) {
    await cache.store.deleteTags([values.tag]);
    out('done');
    return;
  }
  const found = await cache.store.delete(required(subject, 'delete KEY'));
  out(found ? 'removed' : 'There is no value under this key');
}

async function clear({ cache, out }: Call): Promise<void> {
  await cache.store.clear();
  out('removed');
}

function required(subject: string | undefined, usage: string): string {
  if (subject === undefined) throw new UsageError(`Say which key: ${usage}, as \`keys\` prints it`);
  return subject;
}
