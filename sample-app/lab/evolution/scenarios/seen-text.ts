import type { CellCounts } from '../evolution-table.js';

/** What was counted, as a sentence. */
export function seenText(counts: CellCounts): string {
  const { rebuilds, mostInside, foreignDeletes, deadlock, staleWrites, toldLost, waitMs, commands } = counts;
  const parts = [
    mostInside > 1 ? `${String(mostInside)} inside at once` : 'never more than one inside',
    times(rebuilds, 'rebuild'),
    ...(foreignDeletes > 0
      ? [`another caller's lock deleted ${foreignDeletes === 1 ? 'once' : times(foreignDeletes, 'time')}`]
      : []),
    ...(deadlock ? ['no caller gets the lock any more'] : []),
    ...(staleWrites > 0 ? [`${times(staleWrites, 'stale write')} let through`] : []),
    ...(toldLost === true ? ['the holder was notified of the loss'] : []),
    ...(waitMs === null ? [] : [`the next caller waited ${(waitMs / 1000).toFixed(2)} s`]),
    times(commands, 'command'),
  ];
  return `${parts.join(', ')}.`.replace(/^./, (first) => first.toUpperCase());
}

function times(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}
