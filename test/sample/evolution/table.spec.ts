import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { complaintsAbout, marks } from '../../../sample-app/lab/demo/evolution-report.js';
import { findRedisProgram } from '../../../sample-app/services/find-program.js';
import { emptyTable } from '../../../sample-app/lab/evolution/empty-table.js';
import type { EvolutionCell, EvolutionTable } from '../../../sample-app/lab/evolution/evolution-table.js';
import { runEvolution } from '../../../sample-app/lab/evolution/run-evolution.js';
import { factsOf } from '../../../sample-app/lab/evolution/scenarios/expectation.js';
import { expectations } from '../../../sample-app/lab/evolution/scenarios/expectations.js';
import { buildSample, type BuiltSample } from '../built-sample.js';
import { tableCells, tableOfFile } from '../../support/markdown-table.js';
import { describeWithRedisServer } from '../../support/redis-server.js';

/** What each cell should come to, as readers are told: the expectations could be bent to what was seen. */
const known = tableOfFile('sample-app/lab/README.md', 'late-delete');

const cells = emptyTable().cells;
const title = ({ system, scenario }: EvolutionCell) => `${system}, ${scenario}`;
const played = cells.filter(({ state }) => state === 'waiting').map((cell) => ({ name: title(cell), ...cell }));
const skipped = cells.filter(({ state }) => state !== 'waiting').map((cell) => ({ name: title(cell), ...cell }));

describeWithRedisServer('every system in every scenario', () => {
  let built: BuiltSample;
  let table: EvolutionTable;
  const cellOf = ({ system, scenario }: Pick<EvolutionCell, 'system' | 'scenario'>): EvolutionCell =>
    table.cells.find((cell) => cell.system === system && cell.scenario === scenario)!;

  beforeAll(async () => {
    built = await buildSample();
    table = await runEvolution({ redisProgram: findRedisProgram(), programs: built.folder });
  }, 240_000);
  afterAll(() => built.remove());

  it.each(played)('$name: $expected', ({ system, scenario }) => {
    const cell = cellOf({ system, scenario });
    const expectation = expectations[scenario][system];
    if ('notApplicable' in expectation) throw new Error('This cell is not played.');
    // The sentence that tells what was seen, or why it was not played, is what a person wants to read here.
    expect({ seen: cell.seen, ...cell.counts }).toMatchObject(factsOf(expectation));
    expect(cell).toMatchObject({ state: 'done', asExpected: true });
  });

  it.each(skipped)('$name is not run: $expected', ({ system, scenario }) => {
    expect(cellOf({ system, scenario })).toMatchObject({
      state: 'not-applicable',
      mark: '–',
      seen: null,
      counts: null,
    });
  });

  it('gives the documented table', () => {
    expect(tableCells(marks(table))).toEqual(known);
    expect(complaintsAbout(table)).toEqual([]);
  });

  it('records how long the next caller waited after a crash', () => {
    for (const { counts } of table.cells.filter(({ scenario, counts }) => scenario === 'crash' && counts !== null)) {
      if (counts!.deadlock) expect(counts!.waitMs).toBeNull();
      else expect(counts!.waitMs).toBeGreaterThan(0);
    }
  });

  it('shows waiting without polling: the systems that sleep send more commands than @WithLock', () => {
    const commands = (system: EvolutionCell['system']) => cellOf({ system, scenario: 'long-work' }).counts!.commands;
    expect(commands('with-lock')).toBeLessThan(commands('stage-1'));
    expect(commands('redisson')).toBeLessThan(commands('stage-1'));
  });
});

describe('the expectations', () => {
  it('name every cell, with a reason if it is not run', () => {
    expect(cells).toHaveLength(110);
    for (const { expected } of cells) expect(expected).toMatch(/^[A-Z].+\.$/);
  });

  it('require that @WithLock holds in every cell that is run', () => {
    for (const [scenario, systems] of Object.entries(expectations)) {
      const expectation = systems['with-lock'];
      if ('notApplicable' in expectation) continue;
      const { mostInside, ...rest } = factsOf(expectation);
      expect(rest).toMatchObject({ foreignDeletes: 0, deadlock: false, staleWrites: 0 });
      // One that is stopped in the middle of its work is still in it.
      expect(mostInside).toBe(scenario === 'stale-write' ? 2 : 1);
    }
  });
});
