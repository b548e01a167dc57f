import { describe, expect, it } from '@jest/globals';
import { demoArguments } from '../../../sample-app/lab/demo/arguments.js';
import { complaintsAbout, failuresOf, marks } from '../../../sample-app/lab/demo/evolution-report.js';
import { emptyTable } from '../../../sample-app/lab/evolution/empty-table.js';
import type { CellCounts, EvolutionCell, EvolutionTable } from '../../../sample-app/lab/evolution/evolution-table.js';
import { seenText } from '../../../sample-app/lab/evolution/scenarios/seen-text.js';

const counts: CellCounts = {
  rebuilds: 1,
  mostInside: 1,
  foreignDeletes: 0,
  deadlock: false,
  staleWrites: 0,
  toldLost: null,
  waitMs: null,
  commands: 7,
};
const ended: Partial<EvolutionCell> = { state: 'done', mark: 'holds', asExpected: true, verdict: 'holds', counts };

/** Two systems in two scenarios, all of it well. */
const table = (change: Partial<EvolutionCell> = {}): EvolutionTable => {
  const empty = emptyTable(['stage-1', 'with-lock'], ['calm', 'crash']);
  const cells = empty.cells.map((cell) => ({ ...cell, ...ended, seen: 'All well.' }));
  return { ...empty, state: 'done', cells: [...cells.slice(0, -1), { ...cells.at(-1)!, ...change }] };
};

describe('the table on the terminal', () => {
  it('is Markdown with a mark in each cell', () => {
    expect(marks(table())).toBe(
      [
        '|                | calm  | crash |',
        '|----------------|-------|-------|',
        '| stage 1: SETNX | holds | holds |',
        '| @WithLock      | holds | holds |',
      ].join('\n'),
    );
  });

  it('marks what is not as expected', () => {
    expect(marks(table({ mark: 'deadlock', asExpected: false }))).toContain('| deadlock (!) |');
  });

  it.each([60, 80, 120])('is cut into several that fit a terminal of %i columns', (width) => {
    const blocks = marks(emptyTable(), width).split('\n\n');
    expect(blocks.length).toBeGreaterThan(1);
    for (const line of blocks.flatMap((block) => block.split('\n'))) expect(line.length).toBeLessThanOrEqual(width);
    const headings = blocks.flatMap((block) =>
      block
        .split('\n')[0]!
        .split('|')
        .map((cell) => cell.trim()),
    );
    expect(headings.filter((heading) => heading !== '')).toEqual(emptyTable().scenarios.map(({ name }) => name));
  });

  it('has the expected and the seen result of each failure', () => {
    const text = failuresOf(table({ verdict: 'fails', mark: 'deadlock', expected: 'Not this.', seen: 'This.' }));
    expect(text).toBe('@WithLock, crash: deadlock\n    expected: Not this.\n    seen:     This.');
    expect(failuresOf(table())).toBe('');
  });
});

describe('the complaints about a run', () => {
  it('are empty if all is as expected', () => {
    expect(complaintsAbout(table())).toEqual([]);
  });

  it.each([
    [{ asExpected: false }, '@WithLock, crash: not as expected.'],
    [{ verdict: 'fails' as const }, '@WithLock, crash: failed.'],
    [{ state: 'failed' as const, asExpected: false, verdict: null }, '@WithLock, crash: not as expected.'],
  ])('are %j', (change, complaint) => {
    expect(complaintsAbout(table(change))).toEqual([complaint]);
  });

  it('do not mention another system that fails as expected', () => {
    const failing = table();
    const cells = failing.cells.map((cell) =>
      cell.system === 'stage-1' ? { ...cell, verdict: 'fails' as const } : cell,
    );
    expect(complaintsAbout({ ...failing, cells })).toEqual([]);
  });

  it('mention that it was stopped', () => {
    expect(complaintsAbout({ ...table(), state: 'stopped' })).toEqual(['The run was not completed.']);
  });
});

describe('the sentence about the seen result', () => {
  it.each<[Partial<CellCounts>, string]>([
    [{}, 'Never more than one inside, 1 rebuild, 7 commands.'],
    [{ mostInside: 3, rebuilds: 2 }, '3 inside at once, 2 rebuilds, 7 commands.'],
    [{ foreignDeletes: 1 }, "Never more than one inside, 1 rebuild, another caller's lock deleted once, 7 commands."],
    [{ deadlock: true }, 'Never more than one inside, 1 rebuild, no caller gets the lock any more, 7 commands.'],
    [{ staleWrites: 1 }, 'Never more than one inside, 1 rebuild, 1 stale write let through, 7 commands.'],
    [{ waitMs: 614.4 }, 'Never more than one inside, 1 rebuild, the next caller waited 0.61 s, 7 commands.'],
  ])('%j', (change, text) => {
    expect(seenText({ ...counts, ...change })).toBe(text);
  });
});

describe('the arguments of the demo', () => {
  it('are empty for the readers of an empty cache', () => {
    expect(demoArguments([])).toEqual({ show: 'stampede' });
  });

  it('name all systems and scenarios unless some are chosen', () => {
    const all = demoArguments(['--evolution']);
    expect(all).toMatchObject({ show: 'evolution' });
    expect(all.show === 'evolution' && [all.systems.length, all.scenarios.length]).toEqual([11, 10]);
    expect(demoArguments(['--evolution', '--system', 'stage-3', '--system=none', '--scenario', 'calm'])).toEqual({
      show: 'evolution',
      systems: ['none', 'stage-3'],
      scenarios: ['calm'],
    });
  });

  it.each([
    [['--evolution', '--system', 'stage-6'], /^There is no system "stage-6"\. There are: none, .*with-lock\.$/],
    [['--evolution', '--scenario', 'toString'], /^There is no scenario "toString"\. There are: calm, /],
    [['--system', 'none'], /^--system and --scenario belong to --evolution\.$/],
    [['--evolutions'], /Unknown option '--evolutions'/],
    [['evolution'], /Unexpected argument 'evolution'/],
    [['--evolution', '--system'], /--system/],
  ])('are rejected with a message: %j', (args, message) => {
    expect(() => demoArguments(args)).toThrow(message);
  });
});
