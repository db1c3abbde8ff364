/** Modules that Nest loads only where they are installed. */
const OPTIONAL = [
  '@nestjs/microservices',
  '@nestjs/websockets',
  '@nestjs/platform-*',
  'class-transformer',
  'class-validator',
];

const checkBuilt = (name) => ['node', `dist/set-ups/check-${name}.js`];
const BUILD = ['npx', 'nest', 'build'];

/**
 * Applications as `nest new` makes them, with the files of `every` and of a folder here over theirs. Each set-up is a list of commands that
 * must succeed.
 */
export const APPLICATIONS = [
  {
    cli: '11',
    folder: 'nest-11',
    packages: [
      '@nestjs/bullmq@11',
      'bullmq@5',
      '@nestjs/platform-fastify@11',
      '@nestjs/microservices@11',
      '@nestjs/graphql@13',
      '@nestjs/apollo@13',
      '@apollo/server@5',
      '@as-integrations/express5@1',
      'graphql@16',
      '@swc/cli',
      '@swc/core',
      'esbuild',
    ],
    // What an application that tests with jest has to write.
    manifest: (manifest) => {
      manifest.jest.transformIgnorePatterns = ['node_modules/(?!nestjs-async-cache/)'];
    },
    setUps: {
      'jest and ts-jest, fake timers included': [['npx', 'jest', 'src/report']],
      tsc: [BUILD, checkBuilt('application')],
      Fastify: [BUILD, checkBuilt('fastify')],
      'a microservice over TCP': [BUILD, checkBuilt('microservice')],
      'GraphQL with Apollo': [BUILD, checkBuilt('graphql')],
      'one file by esbuild, as CommonJS, in which everything lies': [
        BUILD,
        [
          'npx',
          'esbuild',
          'dist/set-ups/check-application.js',
          '--bundle',
          '--platform=node',
          '--format=cjs',
          '--keep-names',
          '--outfile=../alone/application.cjs',
          ...OPTIONAL.map((name) => `--external:${name}`),
        ],
        ['node', '../alone/application.cjs'],
      ],
      "swc, Nest's builder": [[...BUILD, '-b', 'swc'], checkBuilt('application')],
      "webpack, Nest's builder": [[...BUILD, '-c', 'nest-webpack.json'], checkBuilt('application')],
      'TypeScript with "module": "commonjs" and "moduleResolution": "node"': [
        ['npx', 'tsc', '-p', 'tsconfig.classic.json'],
        ['node', 'classic/set-ups/check-application.js'],
      ],
    },
  },
  {
    cli: '12',
    folder: 'nest-12',
    packages: ['@nestjs/bullmq@12', 'bullmq@6'],
    manifest: () => undefined,
    setUps: { 'vitest, fake timers included': [['npx', 'vitest', 'run', 'src/report']] },
  },
];
