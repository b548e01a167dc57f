// Which part of the house may import which: npm run depcruise.

/** The entry points beside the main one, each with the optional peer that it alone imports. */
const entryPoints = {
  'opentelemetry/': '@opentelemetry/api',
  'prometheus/': 'prom-client',
  'terminus/': '@nestjs/terminus',
  'testing/': '@nestjs/testing',
};
/** The library from top to bottom, as paths under lib/ without an ending: each may import what stands below it. */
const floors = [
  [...Object.keys(entryPoints), 'cli/'],
  ['metrics/'],
  ['index'],
  ['redis-lock.module'],
  ['app-lock-service'],
  ['coordination/'],
  ['decorators/'],
  ['lock.service', 'create-lock-service', 'background-start'],
  ['semaphore', 'latch'],
  ['options/'],
  ['naming/'],
  ['leases/'],
  ['waiting/'],
  ['holders/'],
  ['holds/'],
  ['stores/'],
  ['telemetry/'],
  ['errors/'],
  ['time/'],
  ['context/'],
  ['lists/'],
];
/** Where lock state lives, from top to bottom. */
const stores = [
  ['quorum/', 'memory/'],
  ['redis/'],
  ['clean-ups', 'both-subscriptions'],
  ['lock-store', 'overdue-error'],
  ['wrong-kind-error'],
  ['lock-state', 'firing-store', 'holder-store'],
];
/** Lock state on one Redis or a cluster, from top to bottom. */
const redis = [
  ['redis-store'],
  ['redis-semaphores', 'redis-latches'],
  ['start-up', 'open-topology', 'key-probe', 'redis-firings', 'redis-holders', 'redis-kind'],
  ['kind-conflict'],
  ['cluster/'],
  ['topology'],
  ['replication/'],
  ['scripts/'],
  ['lua/', 'notifications/'],
  ['connection/'],
];
/** May be imported from everywhere, and imports nothing of the library. */
const everywhere = ['tokens', 'fencing-token', 'lock-holder'];
/** The parts that know Nest. */
const nest = [
  'redis-lock.module',
  'app-lock-service',
  'coordination/coordination-lifecycle',
  'decorators/',
  'terminus/',
  'testing/',
];

/** The shop of the sample, from top to bottom. */
const shop = [
  ['main'],
  ['app.module'],
  ['lower-fences'],
  ['catalog/', 'orders/', 'prices/'],
  ['bootstrap'],
  ['core.module'],
  ['health/', 'metrics/'],
  ['openapi/'],
  ['cache/', 'database/', 'logging/', 'validation/'],
  ['errors/', 'http/'],
  ['config/'],
];
/** The lab of the sample, from top to bottom. */
const lab = [
  ['start/'],
  ['demo/'],
  ['page/'],
  ['controls/'],
  ['replica/'],
  ['readers/', 'launch/', 'proxy/'],
  ['live/'],
  ['rebuilds/', 'evolution/', 'supplier/'],
];

const within = (root) => (names) =>
  `^${root}/(${names.map((name) => (name.endsWith('/') ? name : `${name}\\.ts$`)).join('|')})`;
const files = within('lib');

/** One rule for each entry of a list: it imports nothing that stands above it. */
const downwards = (root, list) =>
  list.slice(1).map((names, index) => ({
    name: `${root.split('/').at(-1)}-${names[0].replace(/\W$/, '')}-imports-downwards`,
    severity: 'error',
    comment: 'Imports point downwards: see the lists in .dependency-cruiser.mjs.',
    from: { path: within(root)(names) },
    to: { path: within(root)(list.slice(0, index + 1).flat()) },
  }));

/** Node's own resolution names the package's root folder, not the alias: both spellings of a package. */
const npm = (names) => `(^|node_modules/)(${names})(/|$)`;

/** Nothing of the library imports an entry point, and nothing but the entry point imports its peer. */
const standsAlone = ([folder, peer]) => ({
  name: `only-${folder.slice(0, -1)}-imports-its-peer`,
  severity: 'error',
  comment: 'Users of the main entry point do not need the optional peers.',
  from: { path: '^lib/', pathNot: files([folder]) },
  to: { path: [files([folder]), npm(peer)] },
});

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...downwards('lib', floors),
    ...downwards('lib/stores', stores),
    ...downwards('lib/stores/redis', redis),
    ...downwards('sample-app/shop', shop),
    ...downwards('sample-app/lab', lab),
    ...Object.entries(entryPoints).map(standsAlone),
    {
      name: 'every-file-has-a-floor',
      severity: 'error',
      comment: 'A file or folder of lib/ that the list of floors does not name: say where it belongs.',
      from: {},
      to: { path: '^lib/', pathNot: files([...floors.flat(), ...everywhere]) },
    },
    {
      name: 'every-file-of-the-stores-has-a-floor',
      severity: 'error',
      from: {},
      to: {
        path: '^lib/stores/',
        pathNot: [
          within('lib/stores')(stores.flat().filter((each) => each !== 'redis/')),
          within('lib/stores/redis')(redis.flat()),
        ],
      },
    },
    {
      name: 'every-file-of-the-sample-has-a-floor',
      severity: 'error',
      comment: 'A file or folder of the sample that its lists do not name: say where it belongs.',
      from: {},
      to: {
        path: '^sample-app/(shop|lab)/',
        pathNot: [within('sample-app/shop')(shop.flat()), within('sample-app/lab')(lab.flat())],
      },
    },
    {
      name: 'tokens-import-nothing',
      severity: 'error',
      from: { path: files(everywhere) },
      to: { path: '.' },
    },
    {
      name: 'only-the-nest-side-knows-nest',
      severity: 'error',
      comment: 'Leases, waiting, stores and synchronizers run without Nest.',
      from: { path: '^lib/', pathNot: files(nest) },
      to: { path: npm('@nestjs/[^/]+') },
    },
    {
      name: 'only-the-redis-store-loads-ioredis',
      severity: 'error',
      comment: 'Elsewhere import its types only: the memory store must not need it.',
      from: { path: '^lib/', pathNot: '^lib/stores/redis/' },
      to: { path: npm('ioredis'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-peers-at-run-time',
      severity: 'error',
      comment: 'The library has no dependency but its peers.',
      from: { path: '^lib/' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only', 'npm-peer'],
      },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'the-sample-uses-the-package',
      severity: 'error',
      comment: "The sample app imports the library as users do: from 'nestjs-redis-lock'.",
      from: { path: '^sample-app/' },
      to: { path: '^(lib|dist)/', dependencyTypesNot: ['aliased-tsconfig-paths'] },
    },
    {
      name: 'the-shop-does-not-import-the-lab',
      severity: 'error',
      comment: 'The lab replaces providers of the shop from outside, in lab/replica/lab.module.ts.',
      from: { path: '^sample-app/shop/' },
      to: { path: '^sample-app/(lab|services)/' },
    },
    {
      name: 'the-services-import-nothing-of-the-sample',
      severity: 'error',
      comment: 'Tests without the shop start Redis and PostgreSQL with them.',
      from: { path: '^sample-app/services/' },
      to: { path: '^sample-app/(lab|shop)/' },
    },
    {
      name: 'the-library-stands-alone',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(sample-app|test)/' },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
