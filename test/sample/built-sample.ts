import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformFile } from '@swc/core';
import { swcTransform } from '../swc-transform.mjs';

const project = fileURLToPath(new URL('../..', import.meta.url));

export interface BuiltSample {
  /** Where the programs are: `src/main.js`, `proxy/main.js`, `start/main.js` … */
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
  await Promise.all(
    files.map(async (file) => {
      const { code } = await transformFile(join(source, file), options);
      const path = join(target, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, code);
    }),
  );
  return {
    folder: pathToFileURL(`${target}/`),
    remove: () => rmSync(target, { recursive: true, force: true }),
  };
}
