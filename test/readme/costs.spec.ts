import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The cells of each row of the first table in `text`, without its head. */
function rows(text: string): string[][] {
  const table = /(?:^\|.*\n)+/m.exec(text)?.[0] ?? '';
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()));
}

describe('what the README says of costs', () => {
  it('is what the bench measured, row by row', () => {
    const said = rows(read('README.md').split('<!-- costs -->')[1]!);
    const measured = rows(read('test/bench/results/README.md').split('## Aims')[1]!);
    expect(said.length).toBeGreaterThanOrEqual(10);
    expect(said).toEqual(measured);
  });
});
