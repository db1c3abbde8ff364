// The rules of the architecture: which ring may import what, which floor of core may import what, and no cycles.
// Written here because import-x/no-cycle and its kin look past type-only imports, and those are arrows too.
import fs from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import ts from 'typescript';

const OWN_NAME = 'nestjs-async-cache';
const NEST_PACKAGES = ['@nestjs/common', '@nestjs/core', 'rxjs', 'reflect-metadata'];

/** What each adapter adapts; one that is not listed adapts the package of its own name and Nest's module for it. */
const ADAPTED_PACKAGES = {
  memory: ['cron-parser'],
  near: [],
  http: NEST_PACKAGES,
  terminus: ['@nestjs/terminus', '@nestjs/common'],
  dashboard: ['@nestjs/common', '@nestjs/core', 'preact', 'uplot', 'esbuild'],
  msgpackr: ['msgpackr'],
  redis: ['ioredis'],
  bullmq: ['bullmq', '@nestjs/bullmq', '@nestjs/common'],
  'cache-manager': ['cache-manager', 'keyv'],
  orm: ['@nestjs/common'],
  typeorm: ['typeorm', '@nestjs/typeorm', '@nestjs/common'],
  drizzle: ['drizzle-orm', '@nestjs/common'],
  prisma: ['@prisma/client', '@nestjs/common'],
  sequelize: ['sequelize', '@nestjs/sequelize', '@nestjs/common'],
  'mikro-orm': ['@mikro-orm/core', '@mikro-orm/nestjs', '@nestjs/common'],
  otel: ['@opentelemetry/api', '@nestjs/common'],
  cli: ['bullmq', 'ioredis'],
  testing: [],
};

/** What a ring may import; one that is not listed is an adapter. The near tier keeps its copies in a memory store. */
const INNER_RINGS = {
  core: [],
  nest: ['core'],
  orm: ['core', 'nest'],
  typeorm: ['core', 'nest', 'orm'],
  drizzle: ['core', 'nest', 'orm'],
  prisma: ['core', 'nest', 'orm'],
  sequelize: ['core', 'nest', 'orm'],
  'mikro-orm': ['core', 'nest', 'orm'],
  near: ['core', 'memory'],
  testing: ['core', 'nest', 'memory'],
  // The command is put together like the module, without Nest.
  cli: ['core', 'memory', 'msgpackr', 'redis', 'bullmq'],
};

/** The rooms of core by floor, from the top: folders end in a slash, the other names are single files. */
const CORE_FLOORS = [
  ['cache'],
  ['cached-job', 'uncached-job'],
  ['read/', 'write/', 'refresh/'],
  ['fill/'],
  ['job/'],
  ['policy/', 'store/'],
  ['value/', 'decide', 'ports'],
  ['entry', 'events', 'errors', 'stats/'],
  ['without-commands'],
];

/** The room of a file of core and its floor; undefined for other files. Floor -1 is none: the file is misplaced. */
function roomOf(file) {
  const [, name] = /^lib\/core\/(.+)\.ts$/.exec(file) ?? [];
  if (name === undefined) return undefined;
  const room = name.includes('/') ? name.slice(0, name.indexOf('/') + 1) : name;
  return { room, floor: CORE_FLOORS.findIndex((rooms) => rooms.includes(room)) };
}

function ringOf(file) {
  const [top, second, ...below] = file.split('/');
  if (top === 'sample') return 'sample';
  if (top !== 'lib' || second === undefined) return 'outside';
  if (below.length > 0) return second;
  return { 'index.ts': 'index', 'async-cache.module.ts': 'module', 'open-stores.ts': 'module' }[second] ?? 'misplaced';
}

function mayImportRing(from, to) {
  if (from === to) return true;
  if (to === 'outside' || to === 'misplaced' || to === 'sample' || from === 'sample') return false;
  if (from === 'index') return true;
  if (from === 'module') return to !== 'index';
  return (INNER_RINGS[from] ?? ['core', 'nest']).includes(to);
}

function mayImportPackage(from, name) {
  if (from === 'sample') return true;
  if (name === OWN_NAME) return false;
  if (from === 'index' || from === 'module') return true;
  if (from === 'core') return false;
  if (from === 'nest') return NEST_PACKAGES.includes(name);
  return (ADAPTED_PACKAGES[from] ?? [from, `@nestjs/${from}`]).includes(name);
}

function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isBuiltin(specifier) {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

/** Visits everything that names a module: value and type imports, re-exports, import(), import types, import = require, require(). */
function onEverySpecifier(visit) {
  const visitSource = (node) => {
    if (typeof node.source?.value === 'string') visit(node.source, node.source.value);
  };
  return {
    ImportDeclaration: visitSource,
    ExportNamedDeclaration: visitSource,
    ExportAllDeclaration: visitSource,
    ImportExpression: visitSource,
    TSImportType: visitSource,
    TSExternalModuleReference: (node) => visit(node, node.expression.value),
    'CallExpression[callee.name="require"][arguments.0.type="Literal"]': (node) => visit(node, node.arguments[0].value),
  };
}

const rings = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      misplaced:
        'lib/ itself holds only index.ts and async-cache.module.ts: move this file into the folder of its ring.',
      ring: '{{from}} must not import {{to}} ({{specifier}}): sample → index → async-cache.module → adapters → nest → core.',
      package: '{{from}} must not import the package {{name}}.',
    },
  },
  create(context) {
    const file = path.relative(context.cwd, context.filename).replaceAll(path.sep, '/');
    const from = ringOf(file);
    if (from === 'outside') return {};
    return {
      Program(node) {
        if (from === 'misplaced') context.report({ node, messageId: 'misplaced' });
      },
      ...onEverySpecifier((node, specifier) => {
        if (isBuiltin(specifier)) return;
        if (!specifier.startsWith('.')) {
          const name = packageOf(specifier);
          if (!mayImportPackage(from, name)) context.report({ node, messageId: 'package', data: { from, name } });
          return;
        }
        const to = ringOf(path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts'));
        if (!mayImportRing(from, to)) context.report({ node, messageId: 'ring', data: { from, to, specifier } });
      }),
    };
  },
};

const floors = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      misplaced: 'lib/core/{{room}} is not on the plan of core: move it into a room, or add it to CORE_FLOORS.',
      floor: '{{from}} must not import {{to}}: a room of core imports only from the floors below it ({{plan}}).',
    },
  },
  create(context) {
    const file = path.relative(context.cwd, context.filename).replaceAll(path.sep, '/');
    const from = roomOf(file);
    if (from === undefined) return {};
    const plan = CORE_FLOORS.map((rooms) => rooms.join(' ')).join(' → ');
    return {
      Program(node) {
        if (from.floor === -1) context.report({ node, messageId: 'misplaced', data: { room: from.room } });
      },
      ...onEverySpecifier((node, specifier) => {
        if (!specifier.startsWith('.')) return;
        const to = roomOf(path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts'));
        if (to === undefined || to.room === from.room || to.floor > from.floor) return;
        context.report({ node, messageId: 'floor', data: { from: from.room, to: to.room, plan } });
      }),
    };
  },
};

const importsByFile = new Map();

function importsOf(file) {
  const { mtimeMs } = fs.statSync(file);
  const known = importsByFile.get(file);
  if (known?.mtimeMs === mtimeMs) return known.imports;
  const { importedFiles } = ts.preProcessFile(fs.readFileSync(file, 'utf8'), true, true);
  const imports = importedFiles.map(({ fileName }) => resolve(file, fileName)).filter((target) => target !== undefined);
  importsByFile.set(file, { mtimeMs, imports });
  return imports;
}

function resolve(from, specifier) {
  if (!specifier.startsWith('.')) return undefined;
  const target = path.resolve(path.dirname(from), specifier);
  const candidates = [target.replace(/\.([cm]?)js$/, '.$1ts'), target, `${target}.ts`, path.join(target, 'index.ts')];
  return candidates.find((candidate) => fs.statSync(candidate, { throwIfNoEntry: false })?.isFile());
}

function pathBetween(start, goal) {
  const cameFrom = new Map([[start, undefined]]);
  for (const file of cameFrom.keys()) {
    if (file === goal) return trace(cameFrom, goal);
    for (const next of importsOf(file)) if (!cameFrom.has(next)) cameFrom.set(next, file);
  }
  return undefined;
}

function trace(cameFrom, goal) {
  const files = [];
  for (let file = goal; file !== undefined; file = cameFrom.get(file)) files.unshift(file);
  return files;
}

const noCycle = {
  meta: { type: 'problem', schema: [], messages: { cycle: 'Import cycle: {{cycle}}.' } },
  create(context) {
    const file = context.filename;
    return onEverySpecifier((node, specifier) => {
      const target = resolve(file, specifier);
      const way = target && pathBetween(target, file);
      if (!way) return;
      const cycle = [file, ...way].map((step) => path.relative(context.cwd, step)).join(' → ');
      context.report({ node, messageId: 'cycle', data: { cycle } });
    });
  },
};

/** @type {import('eslint').Linter.Config} */
export const architecture = {
  plugins: { architecture: { rules: { rings, floors, 'no-cycle': noCycle } } },
  rules: { 'architecture/rings': 'error', 'architecture/floors': 'error', 'architecture/no-cycle': 'error' },
};
