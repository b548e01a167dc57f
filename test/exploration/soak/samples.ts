/** What a soak measured while no caller was at work. Sums of all processes; memory in MB. */
export interface Sample {
  readonly minute: number;
  /** Since the beginning. */
  readonly calls: number;
  readonly heap: number;
  /** Memory of buffers, outside of the heap. */
  readonly external: number;
  readonly sockets: number;
  readonly timers: number;
  readonly keys: number;
  /** Channels with a subscriber. */
  readonly channels: number;
  /** Connections that the server counts, with that of the experiment. */
  readonly clients: number;
  /** Memory that the server uses. */
  readonly server: number;
}

type Figure = Exclude<keyof Sample, 'minute' | 'calls'>;

/** By how much the median of the last quarter may be above that of the second one: a part of it, and an amount. */
const ALLOWED: Readonly<Record<Figure, readonly [part: number, amount: number]>> = {
  heap: [0.03, 0.5],
  external: [0.05, 0.5],
  sockets: [0, 0],
  timers: [0, 1],
  keys: [0.25, 20],
  channels: [0, 0],
  clients: [0, 0],
  server: [0.1, 0.5],
};

const FIGURES = Object.keys(ALLOWED) as Figure[];

/** The first quarter is the warm-up. */
export function findingsOf(samples: readonly Sample[]): string[] {
  const quarter = Math.floor(samples.length / 4);
  if (quarter < 1) return [`${String(samples.length)} samples are too few to compare quarters.`];
  return FIGURES.flatMap((figure) => {
    const [before, after] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)].map((part) =>
      median(part.map((each) => each[figure])),
    ) as [number, number];
    const [part, amount] = ALLOWED[figure];
    return after > before * (1 + part) + amount ? [`${figure} grew from ${text(before)} to ${text(after)}.`] : [];
  });
}

export function table(samples: readonly Sample[], headed: boolean): string {
  const columns = ['minute', 'calls', ...FIGURES] as (keyof Sample)[];
  const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.padStart(8)).join(' | ')} |`;
  const rows = samples.map((sample) => row(columns.map((column) => text(sample[column]))));
  const head = [row(columns), row(columns.map(() => '-------:'))];
  return [...(headed ? head : []), ...rows].join('\n');
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function text(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}
