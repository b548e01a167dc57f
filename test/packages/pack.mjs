import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Packs the package in `root` into the folder `destination`: the tarball's path and the files in it. */
export function pack(root, destination) {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', destination], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const packed = JSON.parse(output);
  const { filename, files } = packed[0];
  return { tarball: join(destination, filename), files: files.map((file) => file.path) };
}
