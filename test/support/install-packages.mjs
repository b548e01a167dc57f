// Installs what one folder's own package.json asks for, unless it is there already: packages that only some runs need
// and that are no dependency of the project.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/**
 * @param folder with a package.json and a package-lock.json; ends with a slash
 * @throws Error if npm fails
 */
export function installPackages(folder) {
  if (upToDate(folder)) return;
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`"npm ci" failed in ${folder} (exit ${status}).`);
}

function upToDate(folder) {
  // npm keeps its own copy of the lock file beside what it has installed, without the root package.
  if (!existsSync(`${folder}node_modules/.package-lock.json`)) return false;
  const { packages } = JSON.parse(readFileSync(`${folder}package-lock.json`, 'utf8'));
  const installed = JSON.parse(readFileSync(`${folder}node_modules/.package-lock.json`, 'utf8')).packages;
  return Object.entries(packages).every(
    // What is optional may be for another kind of machine.
    ([path, { version, optional }]) => path === '' || optional === true || installed[path]?.version === version,
  );
}
