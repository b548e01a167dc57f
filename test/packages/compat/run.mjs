// Runs the specs of the Nest side against the packed package on other versions of Nest than the one at the root:
//   nest-11     Nest 11, CommonJS, ioredis 5: test/nest, test/packages/compat/specs, test/conformance and some hazards, which run on
//               ioredis 5.4 too
//   graphql-12  Nest 12 with GraphQL, which installs only with --legacy-peer-deps: test/packages/compat/specs
// A spec that is to run on both imports from 'nestjs-redis-lock', '@nestjs/*' and test/support only, and has neither
// `import.meta` nor top-level await, since Nest 11 runs it as CommonJS.
//
// Each package is set up in a temporary folder laid out like this repository, so that a spec can only find what the
// package itself installs, never the root's node_modules.
//   npm run test:compat [nest-11 | graphql-12] [-- arguments of jest]
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack } from '../pack.mjs';
import '../../support/register-ts.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');

const shared = ['tsconfig.base.json', 'test/swc-transform.mjs', 'test/support', 'sample-app/services'];
const hazards = ['test/hazards/cluster.spec.ts', 'test/hazards/client-options.spec.ts'];
const coordination = ['test/coordination/run-once-decorator.spec.ts', 'test/coordination/while-leader.spec.ts'];
const packages = {
  'nest-11': [...shared, 'test/nest', 'test/packages/compat/specs', 'test/conformance', ...hazards, ...coordination],
  'graphql-12': [...shared, 'test/packages/compat/specs'],
};

function run(cwd, command, ...args) {
  console.log(`$ ${[command, ...args].join(' ')}`);
  const { status, signal, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) throw new Error(`"${command} ${args.join(' ')}" ended with ${signal ?? status}`);
}

function check(name, jestArguments) {
  console.log(`-- ${name}`);
  const folder = mkdtempSync(join(tmpdir(), `compat-${name}-`));
  try {
    cpSync(join(here, name), folder, { recursive: true, filter: (path) => !path.endsWith('node_modules') });
    for (const path of packages[name].filter((path) => existsSync(join(root, path)))) {
      // The specs of the helpers themselves run at the root, the memory store needs neither Nest nor ioredis, and the other kinds
      // of locks use ioredis as exclusive locks do.
      const filter = (file) =>
        !(path === 'test/support' && file.endsWith('.spec.ts')) &&
        !/conformance\/(memory\S*|redis-kinds)\.spec\.ts$/.test(file);
      cpSync(join(root, path), join(folder, path), { recursive: true, filter });
    }
    const { tarball } = pack(root, folder);
    run(folder, 'npm', 'ci');
    // What the lock file names is there already.
    run(folder, 'npm', 'install', '--no-save', '--package-lock=false', '--prefer-offline', '--no-audit', tarball);
    run(folder, 'npm', 'run', 'typecheck');
    run(folder, 'npm', 'test', '--', ...jestArguments);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [only, ...rest] = process.argv.slice(2);
const names = only in packages ? [only] : Object.keys(packages);
const jestArguments = only in packages ? rest : process.argv.slice(2);

const { startRedis } = await import('../../../sample-app/services/redis.ts');
const redis = await startRedis();
process.env.TEST_REDIS_URL = redis.url;
try {
  for (const name of names) check(name, jestArguments);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await redis.stop();
}
