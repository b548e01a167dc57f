import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Everything representative in about two minutes: fewer contestants, fewer and shorter rounds. */
  readonly quick: boolean;
  /** Ids of cases; empty: all. */
  readonly cases: readonly string[];
  /** Ids of contestants; empty: all. */
  readonly contestants: readonly string[];
  /** Timed rounds of each contestant, besides the one to warm up. */
  readonly rounds: number;
  /** Where results are written, or `undefined`: they are only printed. */
  readonly out: string | undefined;
}

/**
 * @param results where a full run writes when nothing else is said
 * @throws Error that names the option
 */
export function readOptions(args: readonly string[], results: string): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      case: { type: 'string', default: '' },
      contestant: { type: 'string', default: '' },
      rounds: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const { quick } = values;
  const cases = list(values.case);
  const contestants = list(values.contestant);
  // The committed results are those of a full run: nothing less may replace them unasked.
  const full = !quick && cases.length === 0 && contestants.length === 0 && values.rounds === undefined;
  return {
    quick,
    cases,
    contestants,
    rounds: values.rounds === undefined ? (quick ? 3 : 5) : wholeNumber('--rounds', values.rounds),
    out: values.out ?? (full ? results : undefined),
  };
}

/** @throws Error that says what there is */
export function choose<T extends { readonly id: string }>(
  option: string,
  all: readonly T[],
  ids: readonly string[],
): T[] {
  const unknown = ids.find((id) => !all.some((each) => each.id === id));
  if (unknown !== undefined) {
    throw new Error(`${option}: there is no "${unknown}". There are: ${all.map(({ id }) => id).join(', ')}.`);
  }
  return all.filter(({ id }) => ids.length === 0 || ids.includes(id));
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} must be a whole number from 1, but is "${text}".`);
  return Number(text);
}
