/** What was measured in one turn of the interleaved rounds. */
export interface InTurn {
  readonly turn: number;
  readonly value: number;
}

/**
 * Compares every round with those of the same turn, which the machine served in the same minute: `compare(value, best)`,
 * where `best` is the largest of the baselines in that turn. Turns without a baseline are left out.
 */
export function againstSameTurn(
  rounds: readonly InTurn[],
  baselines: readonly (readonly InTurn[])[],
  compare: (value: number, best: number) => number,
): number[] {
  return rounds.flatMap(({ turn, value }) => {
    const others = baselines.flatMap((baseline) => baseline.filter((each) => each.turn === turn));
    return others.length === 0 ? [] : [compare(value, Math.max(...others.map((other) => other.value)))];
  });
}
