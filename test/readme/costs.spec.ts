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

const measured = rows(read('test/bench/results/README.md').split('## Aims')[1]!);

describe('the stated costs', () => {
  it('in the README of the bench match the measurements, row by row', () => {
    const said = rows(read('test/bench/README.md').split('## Aims')[1]!);
    expect(said.length).toBeGreaterThanOrEqual(10);
    expect(said).toEqual(measured);
  });

  it.each([
    ['acquire and release, one caller', /^([\d.]+) \(/, /([\d.]+) of the sections per second that raw ioredis/],
    ['acquire and release, one caller', /redis-lock: ([\d.]+) ×/, /`redis-lock` reaches ([\d.]+)/],
    ['50 callers on one name', /; ([\d.]+) \(.*of the mutex/, /([\d.]+) of the sections per second of an in-process/],
    ['100 callers waiting', /^([\d.]+) requests/, /([\d.]+) requests per second in all/],
  ])('in the main README is what was measured: %s, %s', (work, figure, words) => {
    const row = measured.find(([, name]) => name!.startsWith(work))!;
    const figures = row.flatMap((cell) => figure.exec(cell)?.[1] ?? []);
    expect(figures).toHaveLength(1);
    const text = read('README.md').split('## What it costs')[1]!.replaceAll(/\s+/g, ' ');
    expect(words.exec(text)?.[1]).toBe(figures[0]);
  });
});
