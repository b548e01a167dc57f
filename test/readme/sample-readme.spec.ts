import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { tableOfFile } from '../support/markdown-table.js';
import { repository } from './snippets.js';

const folder = `${repository}sample-app/`;

describe("the sample's README", () => {
  it('lists every variable that the shop reads', () => {
    const files = ['shop', 'lab/evolution', 'lab/live']
      .flatMap((part) => readdirSync(folder + part, { recursive: true, encoding: 'utf8' }).map((it) => `${part}/${it}`))
      .filter((it) => it.endsWith('.ts'));
    const read = new Set<string>();
    for (const file of files) {
      const text = readFileSync(folder + file, 'utf8');
      for (const [, name] of text.matchAll(/\benv(?:\.|, ')([A-Z][A-Z_]+)\b/g)) read.add(name!);
    }
    const listed = tableOfFile('sample-app/README.md', 'variable').flatMap(([cell]) =>
      [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
    );
    expect(read.size).toBeGreaterThan(10);
    expect(listed.sort()).toEqual([...read].sort());
  });

  it('names only folders and files that exist', () => {
    const text = readFileSync(`${folder}README.md`, 'utf8');
    const paths = [...text.matchAll(/`((?:shop|lab|services)\/[\w/.-]*)`/g)].map(([, path]) => path!);
    expect(paths.length).toBeGreaterThan(8);
    expect(paths.filter((path) => !existsSync(folder + path))).toEqual([]);
  });

  it('shows pictures that exist, as the main README does', () => {
    const text = readFileSync(`${repository}README.md`, 'utf8');
    const pictures = [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => path!);
    expect(pictures).toHaveLength(2);
    expect(pictures.filter((path) => !existsSync(repository + path))).toEqual([]);
  });
});
