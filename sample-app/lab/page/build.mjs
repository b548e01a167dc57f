// Puts everything the browser gets into one folder: `node build.mjs [FOLDER] [--no-scripts]`. The modules keep their
// paths below js/, so that those of the page find the few they share with the server.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const page = dirname(fileURLToPath(import.meta.url));
const project = join(page, '../../..');
const { resolve: find } = createRequire(import.meta.url);

const args = process.argv.slice(2);
const folder = args.find((arg) => !arg.startsWith('--')) ?? join(project, 'dist/sample-app/lab/page');
const target = resolve(folder);

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const file of ['index.html', 'icon.svg', 'styles']) {
  cpSync(join(page, file), join(target, file), { recursive: true });
}
const uplot = dirname(find('uplot'));
for (const file of ['uPlot.iife.min.js', 'uPlot.min.css']) cpSync(join(uplot, file), join(target, 'uplot', file));

if (!args.includes('--no-scripts')) {
  const tsc = [find('typescript/bin/tsc'), '--project', page, '--outDir', join(target, 'js')];
  process.exitCode = spawnSync(process.execPath, tsc, { stdio: 'inherit' }).status ?? 1;
}
