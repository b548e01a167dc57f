import type { Span } from './run-record.js';

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
