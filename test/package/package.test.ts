import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryPoints, manifest, optionalPeers, run, temporaryFolder, tool, UserProject } from './installed-package.js';
import { packPackage } from '../support/pack-package.mjs';

// Tests the built output: `npm test` builds it first.
let folder: string;
let tarball: string;
/** Has the required packages only. */
let bare: UserProject;
/** Has the optional peers too. */
let full: UserProject;

beforeAll(() => {
  folder = temporaryFolder();
  tarball = packPackage(folder);
  bare = new UserProject(tarball, { optionalPeers: false });
  full = new UserProject(tarball, { optionalPeers: true });
}, 60_000);

afterAll(() => {
  bare.remove();
  full.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('the package root, in a project without the optional peers', () => {
  it('can be imported', () => {
    const code = `import { AsyncCacheModule } from '${manifest.name}'; console.log(typeof AsyncCacheModule);`;
    expect(bare.node('--input-type=module', '-e', code)).toEqual({ code: 0, output: 'function\n' });
  });

  it('can be required', () => {
    const code = `const { AsyncCacheModule } = require('${manifest.name}'); console.log(typeof AsyncCacheModule);`;
    expect(bare.node('--input-type=commonjs', '-e', code)).toEqual({ code: 0, output: 'function\n' });
  });

  it.each([
    ['typeorm', '@nestjs/typeorm or typeorm'],
    ['sequelize', '@nestjs/sequelize or sequelize'],
    ['mikro-orm', '@mikro-orm/nestjs or @mikro-orm/core'],
    ['prisma', '@prisma/client'],
    ['drizzle', 'drizzle-orm'],
  ])('importing %s fails and names the missing peer: %s', (subpath, peers) => {
    const { code, output } = bare.node('--input-type=module', '-e', `import '${manifest.name}/${subpath}';`);
    expect(code).not.toBe(0);
    const [, missing = ''] = /Cannot find package '([^']+)'/.exec(output) ?? [];
    expect(peers.split(' or ')).toContain(missing);
  });

  it('type-checks with skipLibCheck off', () => {
    expect(typeErrors(`export { AsyncCacheModule } from '${manifest.name}';`)).toEqual([]);
  }, 60_000);

  it('and the same check would see an optional peer, were one named', () => {
    const source = optionalPeers
      .map((peer, index) => `export type Peer${index} = typeof import('${peer}');`)
      .join('\n');
    expect(typeErrors(source)).toEqual(
      optionalPeers.map((peer): unknown => expect.stringContaining(`Cannot find module '${peer}'`)),
    );
  }, 60_000);
});

describe('in a project that has the optional peers', () => {
  it('the root loads none of them', () => {
    expect(loadedPackages(manifest.name).filter((name) => optionalPeers.includes(name))).toEqual([]);
  });

  it('an adapter loads what it adapts: the record is one that sees peers', () => {
    expect(loadedPackages(`${manifest.name}/bullmq`)).toContain('bullmq');
  });
});

it('exports exactly these names', () => {
  const names = Object.fromEntries(entryPoints.map((entryPoint) => [entryPoint, exportedNames(entryPoint)]));
  expect(names).toMatchInlineSnapshot(`
    {
      "nestjs-async-cache": [
        "AsyncCache",
        "AsyncCacheError",
        "AsyncCacheJob",
        "AsyncCacheModule",
        "AsyncCached",
        "CircularReadError",
        "ConfigurationError",
        "ContextError",
        "CorruptEntryError",
        "FetchTimeoutError",
        "Invalidates",
        "InvalidatesTags",
        "NoRefreshContextError",
        "QueueError",
        "StoreError",
        "StoreSuspendedError",
        "StoreTimeoutError",
        "UnkeyableArgumentError",
        "UnknownJobError",
        "UnserializableValueError",
        "refreshContext",
      ],
      "nestjs-async-cache/bullmq": [
        "BullMQRefreshModule",
        "BullMQRefreshQueue",
        "REFRESH_QUEUE_NAME",
      ],
      "nestjs-async-cache/cache-manager": [
        "CacheManagerStore",
      ],
      "nestjs-async-cache/dashboard": [
        "AsyncCacheDashboardModule",
      ],
      "nestjs-async-cache/drizzle": [
        "AsyncCacheDrizzleModule",
        "CachedTable",
        "EntityCountJob",
        "EntityFilterJob",
        "EntityGetJob",
        "EntityNotFoundError",
        "InjectCachedTable",
        "getCachedTableToken",
      ],
      "nestjs-async-cache/http": [
        "CacheHeaders",
        "CacheHeadersInterceptor",
      ],
      "nestjs-async-cache/memory": [
        "CronTimetable",
        "InProcessRefreshQueue",
        "MemoryStore",
        "SystemClock",
      ],
      "nestjs-async-cache/mikro-orm": [
        "AsyncCacheMikroOrmModule",
        "CachedRepository",
        "EntityCountJob",
        "EntityFilterJob",
        "EntityGetJob",
        "InjectCachedRepository",
        "getCachedRepositoryToken",
      ],
      "nestjs-async-cache/msgpackr": [
        "CompressingCodec",
        "MsgpackrCodec",
      ],
      "nestjs-async-cache/near": [
        "NearStore",
      ],
      "nestjs-async-cache/otel": [
        "AsyncCacheOtelModule",
      ],
      "nestjs-async-cache/prisma": [
        "AsyncCachePrismaModule",
        "CachedDelegate",
        "EntityCountJob",
        "EntityFilterJob",
        "EntityGetJob",
        "InjectCachedDelegate",
        "getCachedDelegateToken",
        "reportWrites",
      ],
      "nestjs-async-cache/redis": [
        "RedisStore",
        "connectRedis",
      ],
      "nestjs-async-cache/sequelize": [
        "AsyncCacheSequelizeModule",
        "CachedRepository",
        "EntityCountJob",
        "EntityFilterJob",
        "EntityGetJob",
        "InjectCachedRepository",
        "getCachedRepositoryToken",
      ],
      "nestjs-async-cache/terminus": [
        "AsyncCacheHealthIndicator",
        "AsyncCacheHealthModule",
      ],
      "nestjs-async-cache/testing": [
        "Gate",
        "ManualClock",
        "RecordingRefreshQueue",
        "describeRefreshQueue",
        "describeStore",
      ],
      "nestjs-async-cache/typeorm": [
        "AsyncCacheTypeOrmModule",
        "CachedRepository",
        "EntityCountJob",
        "EntityFilterJob",
        "EntityGetJob",
        "InjectCachedRepository",
        "getCachedRepositoryToken",
      ],
    }
  `);
}, 60_000);

it('publint finds nothing', () => {
  const { code, output } = run(tool('publint'), ['run', tarball, '--strict']);
  expect(code, output).toBe(0);
}, 60_000);

it('its types resolve as its code does', () => {
  // Under "moduleResolution": "node", too. CommonJS gets ES modules, which Node can require.
  const { code, output } = run(tool('attw'), [tarball, '--ignore-rules', 'cjs-resolves-to-esm', '--no-emoji']);
  expect(code, output).toBe(0);
}, 60_000);

function typeErrors(source: string): string[] {
  bare.write('use.ts', source);
  const options = [
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--strict',
    '--experimentalDecorators',
    '--skipLibCheck',
    'false',
    '--types',
    'node',
  ];
  const { output } = bare.tool('tsc', '--noEmit', '--ignoreConfig', '--pretty', 'false', ...options, 'use.ts');
  // Errors in other packages' declarations do not count. A line with two leading spaces continues the one above.
  return output
    .split('\n')
    .filter(
      (line) =>
        line.startsWith('use.ts') || line.startsWith(`node_modules/${manifest.name}/`) || line.startsWith('error'),
    );
}

function loadedPackages(entryPoint: string): string[] {
  full.write('hooks.mjs', RECORDING_HOOKS);
  full.write('load.mjs', LOAD_AND_LIST);
  const { code, output } = full.node('load.mjs', entryPoint);
  expect(code, output).toBe(0);
  return JSON.parse(output) as string[];
}

function exportedNames(entryPoint: string): string[] {
  const { code, output } = full.node(
    '--input-type=module',
    '-e',
    `console.log(JSON.stringify(Object.keys(await import('${entryPoint}'))));`,
  );
  expect(code, output).toBe(0);
  return JSON.parse(output) as string[];
}

const RECORDING_HOOKS = `
  let port;
  export const initialize = (given) => { port = given; };
  export async function resolve(specifier, context, next) {
    const resolved = await next(specifier, context);
    port.postMessage(resolved.url);
    return resolved;
  }
`;

const LOAD_AND_LIST = `
  import Module, { register } from 'node:module';
  import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
  const { port1, port2 } = new MessageChannel();
  register('./hooks.mjs', import.meta.url, { data: port2, transferList: [port2] });
  await import(process.argv[2]);
  const loaded = Object.keys(Module._cache);
  for (let message; (message = receiveMessageOnPort(port1)); ) loaded.push(message.message);
  const names = loaded.map((url) => /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
  console.log(JSON.stringify([...new Set(names)].filter((name) => name !== undefined)));
  process.exit();
`;
