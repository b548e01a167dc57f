import { describe, expect, it } from '@jest/globals';
import { LibraryCode } from './library/loader.js';
import { replace } from './library/replacement.js';
import { MUTATIONS, type ListedMutation } from './mutations/index.js';
import { Simulation } from './run-schedule.js';
import { simulate } from './simulate.js';

describe('the mutations of the simulation', () => {
  it('replace functions that exist and run', async () => {
    expect(await simulate('--check-mutations')).toBe(`${MUTATIONS.length} mutations checked\n`);
  }, 250_000);

  it('have different names', () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  });

  it.each([
    ['a function', 'time/validity', 'validityIn', 'lib/time/validity.ts declares no validityIn'],
    ['a class', 'holds/hold', 'Grip.remaining', 'lib/holds/hold.ts declares no Grip'],
    ['a method', 'holds/hold', 'Hold.left', 'lib/holds/hold.ts declares no method Hold.left'],
    ['a file', 'holds/grip', 'Grip.remaining', 'lib/holds/grip.ts was never loaded'],
  ])('cannot be made when %s does not exist any more', (_what, file, name, reason) => {
    const replacements = [replace(file, name, (original) => original)];
    expect(() => load({ name: 'of nothing', nodes: [1], replacements })).toThrow(
      `the mutation "of nothing" cannot be made: ${reason}`,
    );
  });

  it('cannot be made when a script does not exist any more', () => {
    expect(() => load({ name: 'of nothing', nodes: [1], models: { TAKE: () => 0 } })).toThrow('every script');
  });
});

function load(mutation: ListedMutation): void {
  const code = new LibraryCode(mutation);
  new Simulation(1, code, mutation.models);
  code.checkMutated();
}
