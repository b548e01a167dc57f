import { describe, expect, it } from '@jest/globals';
import { choose, readOptions } from './options.js';

const read = (...args: string[]) => readOptions(args, '/results');

describe('the options of the bench', () => {
  it('asks for everything when nothing is said', () => {
    expect(read()).toEqual({ quick: false, cases: [], contestants: [], rounds: 5, out: '/results' });
  });

  it('takes lists by commas', () => {
    expect(read('--case', 'lone, hot', '--contestant=redlock-5,')).toMatchObject({
      cases: ['lone', 'hot'],
      contestants: ['redlock-5'],
    });
  });

  it('has fewer rounds when it is to be quick, unless told', () => {
    expect(read('--quick').rounds).toBe(3);
    expect(read('--quick', '--rounds', '7').rounds).toBe(7);
  });

  it.each([['--quick'], ['--case', 'lone'], ['--contestant', 'redlock-5'], ['--rounds', '9']])(
    'does not write over the results of a full run with %s',
    (...args) => {
      expect(read(...args).out).toBeUndefined();
      expect(read(...args, '--out', '/elsewhere').out).toBe('/elsewhere');
    },
  );

  it.each(['0', '-1', '1.5', 'many', ''])('refuses %j rounds', (rounds) => {
    expect(() => read(`--rounds=${rounds}`)).toThrow('--rounds must be a whole number from 1');
  });

  it('refuses what it does not know', () => {
    expect(() => read('--fast')).toThrow("Unknown option '--fast'");
    expect(() => read('lone')).toThrow('lone');
  });
});

describe('choose', () => {
  const all = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];

  it('keeps the order of the bench', () => {
    expect(choose('--case', all, ['c', 'a'])).toEqual([{ id: 'a' }, { id: 'c' }]);
  });

  it('takes all when none is named', () => {
    expect(choose('--case', all, [])).toEqual(all);
  });

  it('says what there is when one is unknown', () => {
    expect(() => choose('--case', all, ['a', 'd'])).toThrow('--case: there is no "d". There are: a, b, c.');
  });
});
