// Checks the package as its users get it: packs it, looks at the tarball, and installs it into an app on Nest 12 (ES
// modules, TypeScript 6, ioredis 6) and one on Nest 11 (CommonJS, node10 resolution, TypeScript 5, ioredis 5).
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack } from './pack.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const temp = mkdtempSync(join(tmpdir(), 'package-check-'));

function run(cwd, command, ...args) {
  console.log(`$ ${[command, ...args].join(' ').replaceAll(temp, '.')}`);
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

function checkContents(files) {
  const allowed =
    /^(dist\/(esm|cjs)\/.+|lib\/docs\/[a-z-]+\.(md|json|yml)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
  const strange = files.filter(
    (file) => !allowed.test(file) || /\.(map|mjs|tsbuildinfo)$|tsconfig|\.spec\./.test(file),
  );
  if (strange.length > 0) throw new Error(`The tarball contains unexpected files: ${strange.join(', ')}`);
  const wanted = ['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json'];
  const missing = wanted.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`The tarball lacks: ${missing.join(', ')}`);
  console.log(`${files.length} files in the tarball`);
}

/** The owner of the repository is set in `repository`; the other addresses have to follow it. */
function checkAddresses({ repository, homepage, bugs }) {
  const address = /^git\+(https:.*)\.git$/.exec(repository.url)?.[1];
  if (homepage !== `${address}#readme` || bugs !== `${address}/issues`)
    throw new Error(`package.json: "homepage" and "bugs" do not belong to ${repository.url}`);
}

/** Each entry point `./NAME` is lib/NAME/index.ts, in both builds, and in `typesVersions` for `moduleResolution: node10`. */
function checkEntryPoints({ exports: entries, typesVersions = { '*': {} } }) {
  const conditions = (folder, file) => ({ types: `${folder}/${file}.d.ts`, default: `${folder}/${file}.js` });
  const wanted = {};
  const types = {};
  for (const entry of Object.keys(entries).filter((each) => each !== './package.json')) {
    const file = entry === '.' ? 'index' : `${entry.slice(2)}/index`;
    wanted[entry] = { import: conditions('./dist/esm', file), require: conditions('./dist/cjs', file) };
    if (entry !== '.') types[entry.slice(2)] = [`./dist/cjs/${file}.d.ts`];
  }
  wanted['./package.json'] = './package.json';
  assert.deepEqual(entries, wanted, 'package.json: "exports"');
  assert.deepEqual(typesVersions, { '*': types }, 'package.json: "typesVersions"');
}

function checkConsumer(name, tarball) {
  console.log(`-- ${name}`);
  const app = join(temp, name);
  cpSync(join(here, name), app, { recursive: true, filter: (path) => !/[/\\](node_modules|dist)$/.test(path) });
  cpSync(join(here, 'consumer.ts'), join(app, 'src', 'main.ts'));
  cpSync(join(here, 'exporters.ts'), join(app, 'src', 'exporters.ts'));
  run(app, 'npm', 'ci');
  run(app, 'npm', 'install', '--no-save', '--package-lock=false', tarball);
  run(app, 'npm', 'run', 'build');
  run(app, 'npm', 'run', 'start');
}

try {
  const { tarball, files } = pack(root, temp);
  checkContents(files);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  checkAddresses(manifest);
  checkEntryPoints(manifest);
  run(root, 'npx', '--no-install', 'publint', 'run', tarball, '--strict');
  run(root, 'npx', '--no-install', 'attw', tarball, '--no-color');
  checkConsumer('nest-12-esm', tarball);
  checkConsumer('nest-11-cjs', tarball);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(temp, { recursive: true, force: true });
}
