import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { tableOfFile } from '../../support/markdown-table.js';

// As text: their packages are not those of the project, and may not be installed.
const here = fileURLToPath(new URL('.', import.meta.url));
const files = readdirSync(here).filter(
  (file) => file.endsWith('.mjs') && !['adapter.mjs', 'semaphores.mjs'].includes(file),
);
const sources = files.map((file) => readFileSync(here + file, 'utf8'));
const { dependencies } = JSON.parse(readFileSync(`${here}package.json`, 'utf8')) as {
  dependencies: Record<string, string>;
};

/** Every package with its version, as pinned: `redlock 4.2.0` for `npm:redlock@4.2.0`. */
const pinned = Object.entries(dependencies).map(([name, version]) =>
  version.startsWith('npm:') ? version.slice(4).replace(/@([^@]+)$/, ' $1') : `${name} ${version}`,
);
const all = (pattern: RegExp): string[] =>
  sources.flatMap((source) => [...source.matchAll(pattern)].map(([, found]) => found!));

describe('the contestants', () => {
  it('have the installed versions', () => {
    const packages = all(/package: '([^']+ \d[^']*)'/g);
    expect(packages.length).toBeGreaterThan(18);
    expect(packages.filter((each) => !pinned.includes(each))).toEqual([]);
  });

  it('all have a different id', () => {
    const ids = all(/ id: '([^']+)'/g);
    expect(ids.length).toBeGreaterThan(40);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('are marked as fastest if they are', () => {
    for (const source of sources) {
      const called = [...source.matchAll(/ id: '[^']+-fastest'/g)].length;
      // One of them shares the setting between two contestants.
      const spread = [...source.matchAll(/\.\.\.fastest,/g)].length;
      const set = [...source.matchAll(/setting: 'fastest'/g)].length;
      expect(called).toBe(spread === 0 ? set : spread);
    }
  });

  it('are those of the README', () => {
    const ids = ['-fastest`', 'where'].flatMap((column) => columnOf(column));
    const own = all(/ id: '([^']+)'/g).filter((id) => !id.endsWith('-fastest'));
    expect(ids.sort()).toEqual(own.sort());
  });
});

function columnOf(other: string): string[] {
  const [, ...rows] = tableOfFile('test/bench/README.md', other === 'where' ? other : `\`${other}`);
  return rows.map(([id]) => id!.replaceAll('`', ''));
}
