import type { Span } from './run-record.js';

/** A span in which some permits are held, or wanted. */
export interface Share extends Span {
  readonly take: number;
}

/** The same time, in order and without overlaps. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || from > last.to) merged.push({ from, to });
    else last.to = Math.max(last.to, to);
  }
  return merged;
}

/** What is left of `span` without the parts in `taken`, which are in order and do not overlap. */
export function without(span: Span, taken: readonly Span[]): Span[] {
  const left: Span[] = [];
  let { from } = span;
  for (const each of within(taken, span)) {
    if (each.from > from) left.push({ from, to: each.from });
    from = Math.max(from, each.to);
  }
  return from < span.to ? [...left, { from, to: span.to }] : left;
}

/** For how long the spans of both lists overlap. Those of one list do not overlap each other and are in order. */
export function overlapMs(some: readonly Span[], others: readonly Span[]): number {
  let ms = 0;
  for (const span of others) {
    for (const each of within(some, span)) ms += Math.min(each.to, span.to) - Math.max(each.from, span.from);
  }
  return ms;
}

/** Those of an ordered list that overlap `span`. */
export function within(spans: readonly Span[], { from, to }: Span): readonly Span[] {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.to <= from) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < spans.length && spans[end]!.from < to) end += 1;
  return spans.slice(low, end);
}

/**
 * When a caller that wants permits may have to wait: those that are held and those that the caller with the largest need
 * wants are more than there are. In order and without overlaps.
 *
 * @param wanted what callers that wait want; without any, one permit is wanted
 */
export function shortage(held: readonly Share[], wanted: readonly Share[], permits: number): Span[] {
  const short: Span[] = [];
  const needs = new Map<number, number>();
  let inUse = 0;
  const changes = [
    ...edges(held, (take, sign) => (inUse += sign * take)),
    ...edges(wanted, (take, sign) => needs.set(take, (needs.get(take) ?? 0) + sign)),
  ].toSorted((a, b) => (a.at === b.at ? 0 : a.at - b.at));
  for (const [index, { at, change }] of changes.entries()) {
    change();
    if (changes[index + 1]?.at === at) continue;
    const largest = Math.max(1, ...[...needs].map(([take, callers]) => (callers > 0 ? take : 0)));
    const open = short.at(-1)?.to === Infinity;
    if (inUse + largest > permits === open) continue;
    if (open) short.at(-1)!.to = at;
    else short.push({ from: at, to: Infinity });
  }
  return short;
}

/** `span` in pieces, cut at these times, which are in order. */
export function cut({ from, to }: Span, times: readonly number[]): Span[] {
  const inner = times.slice(firstAfter(times, from), firstAfter(times, to)).filter((time) => time < to);
  return [from, ...inner].map((start, index) => ({ from: start, to: inner[index] ?? to }));
}

/** The index of the first of these times, which are in order, that is later than `at`. */
function firstAfter(times: readonly number[], at: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function edges(shares: readonly Share[], change: (take: number, sign: 1 | -1) => void) {
  return shares
    .filter(({ from, to }) => from < to)
    .flatMap(({ from, to, take }) => [
      { at: from, change: () => change(take, 1) },
      { at: to, change: () => change(take, -1) },
    ]);
}
