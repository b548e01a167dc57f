import type { Till } from './till.js';
import type { Lines } from './till.js';

/** Something that happens in every shop, and what is left of it in the database. */
export interface Story {
  /** The safeguards that are removed. */
  readonly without: readonly (keyof Lines)[];
  readonly title: string;
  /** What happens, in one sentence. */
  readonly story: string;
  /** Runs the story and returns the result; `well` if no buyer was harmed. */
  readonly play: (till: Till, lines: Lines) => Promise<{ readonly seen: string; readonly well: boolean }>;
}

async function twoBuyers(till: Till, lines: Lines): Promise<{ seen: string; well: boolean }> {
  const both = meeting(2);
  // Under the lock the second one comes when the first is done: they cannot meet.
  const meet = lines.lock ? undefined : both;
  const sales = await Promise.all([till.sell('a', meet), till.sell('b', meet)]);
  const { sold, left } = await till.count();
  const refused = sales.filter((sale) => sale === 'refused').length;
  return {
    seen: `${String(sold)} sold of 1, ${String(left)} left, ${String(refused)} promised and refused`,
    well: sold === 1 && left === 0 && refused === 0,
  };
}

export const stories: readonly Story[] = [
  {
    without: ['lock', 'condition'],
    title: 'lock and condition',
    story: 'Two buyers look at the same time, and both see the last piece.',
    play: twoBuyers,
  },
  {
    without: ['lock'],
    title: 'lock',
    story: 'Two buyers look at the same time, and both see the last piece.',
    play: twoBuyers,
  },
  {
    without: ['condition'],
    title: 'condition',
    story: 'A clerk, who takes no lock, takes the last piece after the buyer has seen it.',
    play: async (till) => {
      await till.sell('a', () => till.takeFromShelf());
      const { sold, left } = await till.count();
      const gone = sold + 1;
      return { seen: `${String(gone)} gone of 1, ${String(left)} left`, well: gone === 1 && left === 0 };
    },
  },
  {
    without: ['token'],
    title: 'token',
    story: 'A process is suspended for longer than its lease, and then writes an outdated price.',
    play: async (till) => {
      const known = signal();
      const newer = signal();
      const late = till.price(1_100, () => {
        known.give();
        return newer.given;
      });
      await known.given;
      await till.price(1_200);
      newer.give();
      await late;
      const { cents } = await till.count();
      return { seen: `the price is ${String(cents)}, the newest was 1200`, well: cents === 1_200 };
    },
  },
  {
    without: ['key'],
    title: 'unique key',
    story: 'The response to an order is lost, and the client sends it again. Meanwhile a new piece is in stock.',
    play: async (till) => {
      await till.sell('a');
      await till.restock();
      await till.sell('a');
      const { sold } = await till.count();
      return { seen: `${String(sold)} sold to a buyer who wanted 1`, well: sold === 1 };
    },
  },
];

interface Signal {
  readonly given: Promise<void>;
  readonly give: () => void;
}

function signal(): Signal {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give: () => give() };
}

/** Returns a function that resolves once it has been called `count` times. */
function meeting(count: number): () => Promise<void> {
  const all = signal();
  let missing = count;
  return () => {
    missing -= 1;
    if (missing === 0) all.give();
    return all.given;
  };
}
