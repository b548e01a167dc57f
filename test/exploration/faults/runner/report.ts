import type { LockKind } from '../kinds.js';
import type { RoundResult } from './round.js';

/** Whether something was broken that was promised. */
export function failed({ violations, complaints }: RoundResult): boolean {
  return violations.length > 0 || complaints.length > 0;
}

const SHOWN = 10;

/** One round in a few lines; violations with their events. */
export function describeRound(result: RoundResult): string {
  const { topology, lib, kind, seed, seconds, counts, violations, complaints } = result;
  const figures = [
    'sections',
    'handOvers',
    ...(kind.name === 'semaphore' ? ['mostInUse'] : []),
    'doubleHolders',
    'lostLocks',
    'refusedWrites',
    'faults',
    'killed',
    'judgedFreeMs',
    'judgedRefusals',
    'refusedFree',
    ...(kind.name === 'fair' ? ['judgedOrder'] : []),
  ];
  const shown = figures.map((figure) => `${figure} ${counts[figure] ?? 0}`).join(', ');
  const lines = [
    `${lib}${titleOf(kind)} on ${topology}, seed ${seed}, ${seconds.toFixed(0)} s: ${shown}, violations ${violations.length}`,
    ...complaints.map((complaint) => `  COMPLAINT ${complaint}`),
  ];
  for (const { property, message, events } of violations.slice(0, SHOWN)) {
    lines.push(`  VIOLATION ${property}: ${message}`, ...events.map((event) => `    ${JSON.stringify(event)}`));
  }
  if (violations.length > SHOWN) lines.push(`  and ${violations.length - SHOWN} more`);
  return lines.join('\n');
}

function titleOf({ name, permits }: LockKind): string {
  if (name === 'exclusive') return '';
  return name === 'semaphore' ? `, semaphore of ${permits}` : `, ${name} lock`;
}

/** All rounds, by topology and by fault. */
export function describeAll(results: readonly RoundResult[]): string {
  const lines = ['', 'topology: rounds, sections, double holders, lost locks, stale writes refused, violations'];
  for (const [topology, rounds] of groupBy(results, (result) => result.topology)) {
    const sum = (figure: string): number => rounds.reduce((all, { counts }) => all + (counts[figure] ?? 0), 0);
    const bad = rounds.reduce((all, { violations, complaints }) => all + violations.length + complaints.length, 0);
    const figures = ['sections', 'doubleHolders', 'lostLocks', 'refusedWrites'].map(sum);
    lines.push(`  ${topology}: ${[rounds.length, ...figures, bad].join(', ')}${byProperty(rounds)}`);
  }
  lines.push('', 'fault: how often');
  const faults = new Map<string, number>();
  for (const result of results) {
    for (const [what, count] of Object.entries(result.faults)) faults.set(what, (faults.get(what) ?? 0) + count);
  }
  for (const [what, count] of [...faults].sort(([a], [b]) => (a < b ? -1 : 1))) lines.push(`  ${what}: ${count}`);
  return lines.join('\n');
}

/** ` (exclusion 3, forgotten 1)`; nothing where nothing was broken. */
function byProperty(rounds: readonly RoundResult[]): string {
  const groups = groupBy(
    rounds.flatMap(({ violations }) => violations),
    ({ property }) => property,
  );
  const counts = [...groups].map(([property, { length }]) => `${property} ${length}`);
  return counts.length === 0 ? '' : ` (${counts.join(', ')})`;
}

function groupBy<T>(list: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
