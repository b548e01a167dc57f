// Compiles the library twice, as ES modules into dist/esm and as CommonJS into dist/cjs. Each is made in a folder
// beside it and then put in place, so that nothing stale is left over and a running test never sees half a build.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const lib = dirname(fileURLToPath(import.meta.url));
const dist = join(lib, '..', 'dist');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
/** The types of each entry point of the package, as paths in the folder of one build. */
const entries = Object.values(JSON.parse(readFileSync(join(lib, '..', 'package.json'), 'utf8')).exports)
  .filter((target) => typeof target === 'object')
  .map((target) => target.import.types.replace('./dist/esm/', ''));

function compile(project, outDir, type) {
  const args = [tsc, '--project', join(lib, project), '--outDir', outDir];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`tsc --project lib/${project} failed`);
  // node decides by the nearest package.json whether a .js file is an ES module.
  writeFileSync(join(outDir, 'package.json'), `${JSON.stringify({ type })}\n`);
}

/** Types that no entry point leads to are no part of what users see. */
function removeInternalTypes(folder) {
  const seen = new Set();
  const follow = (file) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)\.js'/g)) {
      follow(join(dirname(file), `${path}.d.ts`));
    }
  };
  for (const entry of entries) follow(join(folder, entry));
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name);
    if (file.endsWith('.d.ts') && !seen.has(file)) rmSync(file);
  }
}

function putInPlace(fresh, folder) {
  const old = `${fresh}-old`;
  for (;;) {
    try {
      renameSync(folder, old);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    try {
      renameSync(fresh, folder);
      return;
    } catch (error) {
      // Another build put its own there in between: take that away too.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    } finally {
      rmSync(old, { recursive: true, force: true });
    }
  }
}

mkdirSync(dist, { recursive: true });
for (const { folder, project, type } of [
  { folder: 'esm', project: 'tsconfig.lib.json', type: 'module' },
  { folder: 'cjs', project: 'tsconfig.cjs.json', type: 'commonjs' },
]) {
  const fresh = join(dist, `.${folder}-${process.pid}`);
  try {
    compile(project, fresh, type);
    removeInternalTypes(fresh);
    putInPlace(fresh, join(dist, folder));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
    break;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
