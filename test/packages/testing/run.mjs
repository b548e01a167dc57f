// Runs the tests of an app that uses 'nestjs-redis-lock/testing', without Redis, in each runner, against the packed package:
//   jest-nest-11  Jest with ts-jest, CommonJS, Nest 11
//   jest-nest-12  Jest with SWC, ES modules, Nest 12
//   vitest        Vitest, ES modules, Nest 12
//   node-test     node:test, ES modules, Nest 12
// specs/ is the same for all of them; runner.ts of each has what differs.
//   npm run test:runners [NAME]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack } from '../pack.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');

function run(cwd, command, ...args) {
  console.log(`$ ${[command, ...args].join(' ')}`);
  const { status, signal, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) throw new Error(`"${command} ${args.join(' ')}" ended with ${signal ?? status}`);
}

function check(name) {
  console.log(`-- ${name}`);
  // Outside of the repository, so that a test finds only what the package itself installs.
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  try {
    cpSync(join(here, name), folder, {
      recursive: true,
      filter: (path) => !/[/\\](node_modules|runner\.ts)$/.test(path),
    });
    cpSync(join(here, 'specs'), join(folder, 'src'), { recursive: true });
    cpSync(join(here, name, 'runner.ts'), join(folder, 'src', 'runner.ts'));
    const { tarball } = pack(root, folder);
    run(folder, 'npm', 'ci');
    run(folder, 'npm', 'install', '--no-save', '--package-lock=false', '--prefer-offline', '--no-audit', tarball);
    run(folder, 'npm', 'run', 'typecheck');
    run(folder, 'npm', 'test');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const all = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'specs')
  .map(({ name }) => name);
try {
  for (const name of process.argv[2] === undefined ? all : [process.argv[2]]) check(name);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
