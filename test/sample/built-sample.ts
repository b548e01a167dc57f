import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { transformFile } from '@swc/core';
import { swcTransform } from '../swc-transform.mjs';

const project = fileURLToPath(new URL('../..', import.meta.url));
/** What the browser gets: a folder with its modules below `js`, and with the few they share with the server. */
const page = join('lab', 'page');
const shared = [join('lab', 'live', 'latency-buckets.ts')];

export interface BuiltSample {
  /** Where the programs are: `shop/main.js`, `lab/proxy/main.js`, `lab/start/main.js` … */
  readonly folder: URL;
  remove(): void;
}

/**
 * The sample as JavaScript, in a folder of its own, so that its processes start quickly and no test depends on an
 * earlier build of it. It is below `dist` since programs there find `nestjs-redis-lock`, which must be built.
 */
export async function buildSample(): Promise<BuiltSample> {
  const source = join(project, 'sample-app');
  const target = join(project, 'dist', `.sample-${randomUUID()}`);
  const [, options] = swcTransform;
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  await promisify(execFile)(process.execPath, [join(source, page, 'build.mjs'), join(target, page), '--no-scripts']);
  await Promise.all(
    files.map(async (file) => {
      const { code } = await transformFile(join(source, file), options);
      const forBrowser = join(target, page, 'js', file);
      const paths = file.startsWith(page) ? [forBrowser] : [join(target, file)];
      if (shared.includes(file)) paths.push(forBrowser);
      for (const path of paths.map((path) => path.replace(/\.ts$/, '.js'))) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, code);
      }
    }),
  );
  return {
    folder: pathToFileURL(`${target}/`),
    remove: () => rmSync(target, { recursive: true, force: true }),
  };
}
