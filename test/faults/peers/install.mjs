// Installs the peers into this folder by its lock file, unless they are there already. They are no dependency of the
// project: only who runs the fault suite against them needs them.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** @throws Error if npm fails */
export function installPeers() {
  if (upToDate()) return;
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: here,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`"npm ci" failed in ${here} (exit ${status}).`);
}

function upToDate() {
  // npm keeps its own copy of the lock file beside what it has installed, without the root package.
  if (!existsSync(`${here}node_modules/.package-lock.json`)) return false;
  const { packages } = JSON.parse(readFileSync(`${here}package-lock.json`, 'utf8'));
  const installed = JSON.parse(readFileSync(`${here}node_modules/.package-lock.json`, 'utf8')).packages;
  return Object.entries(packages).every(([path, { version }]) => path === '' || installed[path]?.version === version);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installPeers();
