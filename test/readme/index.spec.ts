import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { quickFiles, quickFolders } from '../quick.mjs';
import { tableOfFile } from '../support/markdown-table.js';
import { repository } from './snippets.js';

const section = (heading: string): string => {
  const text = readFileSync(`${repository}README.md`, 'utf8');
  return text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))!;
};
const rows = (column: string): string[][] => tableOfFile('test/README.md', column).slice(1);
const index = [...rows('promise'), ...rows('guide')];
const filesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, file]) => file!);
const isQuick = (file: string): boolean => quickFiles.includes(file) || quickFolders.includes(dirname(file));

describe('the index of the tests', () => {
  it('has a row for each promise of the README, and one for what is not promised', () => {
    const promises = [...section('What is promised').matchAll(/^\d+\. \*\*(.+?)\.?\*\*/gm)].map(([, title]) => title);
    expect(promises.length).toBeGreaterThan(5);
    expect(rows('promise').map(([title]) => title)).toEqual([...promises, 'No lock is "exactly once"']);
  });

  it('has a row for each guide of the README', () => {
    const guides = [...section('Guides').matchAll(/^### (.+)$/gm)].map(([, title]) => title);
    expect(guides.length).toBeGreaterThan(10);
    expect(rows('guide').map(([title]) => title)).toEqual(guides);
  });

  it('names files that exist, and in each row one that npm test runs', () => {
    for (const [title, quick, also] of index) {
      const tested = filesIn(quick!);
      expect([title, tested.length]).not.toEqual([title, 0]);
      expect([title, tested.filter((file) => !isQuick(file))]).toEqual([title, []]);
      for (const file of [...tested, ...filesIn(also!)]) {
        expect([file, existsSync(`${repository}test/${file}.spec.ts`)]).toEqual([file, true]);
      }
    }
  });

  it('lists each file that npm test runs', () => {
    expect(quickFiles.filter((file) => !index.some(([, quick]) => filesIn(quick!).includes(file)))).toEqual([]);
    expect(quickFiles.filter((file) => !existsSync(`${repository}test/${file}.spec.ts`))).toEqual([]);
  });

  it('names every folder', () => {
    const folders = readdirSync(`${repository}test`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${name}/`);
    expect(
      rows('folder')
        .flatMap(([cell]) => filesIn(cell!))
        .sort(),
    ).toEqual(folders.sort());
  });
});
