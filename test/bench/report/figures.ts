/** A number as people read it: three digits that count, thousands apart. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1_000) return Math.round(value).toLocaleString('en');
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return trimmed(value.toFixed(1));
  if (size >= 0.1 || size === 0) return trimmed(value.toFixed(2));
  return trimmed(value.toPrecision(2));
}

/** A median with its spread in brackets, if there is one. */
export function withSpread({ median, low, high }: { median: number; low: number; high: number }): string {
  const [from, to] = [figure(low), figure(high)];
  return from === to ? figure(median) : `${figure(median)} (${from} to ${to})`;
}

/** What was varied: `4 processes, 16 callers`. */
export function variantText(at: Readonly<Record<string, number>>): string {
  return Object.entries(at)
    .map(([what, count]) => `${figure(count)} ${count === 1 ? words(what).replace(/(?<=ss)es$|s$/, '') : words(what)}`)
    .join(', ');
}

/** `cpuMicrosecondsPerSection` as words. */
export function words(name: string): string {
  return name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

function trimmed(text: string): string {
  return text.replace(/\.?0+$/, '');
}
