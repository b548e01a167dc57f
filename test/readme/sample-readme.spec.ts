import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { tableOfFile } from '../support/markdown-table.js';
import { repository } from './snippets.js';

const folder = `${repository}sample-app/`;
const readmes = ['README.md', 'shop/README.md', 'lab/README.md'];
const textOf = (file: string): string => readFileSync(folder + file, 'utf8');

describe('the READMEs of the sample', () => {
  it.each([
    { readme: 'shop/README.md', parts: ['shop'] },
    { readme: 'lab/README.md', parts: ['lab/evolution', 'lab/live', 'lab/start', 'lab/supplier'] },
  ])('list every variable that the program reads: $readme', ({ readme, parts }) => {
    const files = parts
      .flatMap((part) => readdirSync(folder + part, { recursive: true, encoding: 'utf8' }).map((it) => `${part}/${it}`))
      .filter((it) => it.endsWith('.ts'));
    const read = new Set<string>();
    for (const file of files) {
      for (const [, name] of textOf(file).matchAll(/\benv(?:\.|, ')([A-Z][A-Z_]+)\b/g)) read.add(name!);
    }
    const listed = tableOfFile(`sample-app/${readme}`, 'variable').flatMap(([cell]) =>
      [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
    );
    expect(read.size).toBeGreaterThan(2);
    expect(listed.sort()).toEqual([...read].sort());
  });

  it.each(readmes)('name only files, folders and headings that exist: %s', (readme) => {
    const text = textOf(readme);
    const links = [...text.matchAll(/\]\(([^)#]*)(?:#([\w-]+))?\)/g)].map(([, path, heading]) => ({ path, heading }));
    const named = [...text.matchAll(/`([a-z][\w.-]*\/(?:[\w.-]+\/)*(?:[\w-]+(?:\.[\w-]+)*\.ts)?)`/g)].map(
      ([, path]) => ({
        path,
        heading: undefined,
      }),
    );
    expect(named.length).toBeGreaterThan(5);
    for (const { path, heading } of [...links, ...named]) {
      const target = path === '' ? folder + readme : join(folder, dirname(readme), path!);
      expect([path, existsSync(target)]).toEqual([path, true]);
      if (heading !== undefined) expect(headingsOf(readFileSync(target, 'utf8'))).toContain(heading);
    }
  });

  it('show code that is in the file that the heading names', () => {
    const sections = textOf('README.md').split('\n### ').slice(1);
    expect(sections).toHaveLength(5);
    for (const section of sections) {
      const [, file] = /^[^\n`]*`([^`]+)`/.exec(section)!;
      const code = textOf(file!)
        .split('\n')
        .map((line) => line.trim());
      const shown = [...section.matchAll(/```ts\n([^`]*)```/g)].flatMap(([, block]) => block!.trim().split('\n'));
      expect(shown.length).toBeGreaterThan(0);
      for (const line of shown) expect(code).toContain(line.trim());
    }
  });

  it('show pictures that exist, as the main README does', () => {
    const text = readFileSync(`${repository}README.md`, 'utf8');
    const pictures = [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => path!);
    expect(pictures).toHaveLength(2);
    expect(pictures.filter((path) => !existsSync(repository + path))).toEqual([]);
  });
});

/** The anchors of the headings, as GitHub makes them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
  );
}
