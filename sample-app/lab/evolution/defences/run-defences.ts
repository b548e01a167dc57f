import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { connectLockService } from 'nestjs-redis-lock';
import { openDatabase } from '../../../shop/database/database.js';
import { stories } from './stories.js';
import { Till } from './till.js';
import type { Lines } from './till.js';

/** What is seen without a line of defence, and with all of them. */
export interface DefenceRow {
  readonly off: string;
  readonly story: string;
  readonly without: Outcome;
  readonly withAll: Outcome;
}

export interface Outcome {
  readonly seen: string;
  readonly well: boolean;
}

const all: Lines = { lock: true, condition: true, token: true, key: true };

/** Plays each story without one line of defence and with all of them, on a real Redis and a schema of its own. */
export async function runDefences(services: {
  readonly redisUrl: string;
  readonly redisPrefix: string;
  readonly databaseUrl: string;
}): Promise<DefenceRow[]> {
  const schema = `defences_${randomBytes(6).toString('hex')}`;
  const url = new URL(services.databaseUrl);
  url.searchParams.set('options', `-c search_path=${schema}`);
  const { database, close } = openDatabase(url.href, 4);
  const locks = await connectLockService({ url: services.redisUrl, keyPrefix: `${services.redisPrefix}${schema}:` });
  try {
    await database.execute(sql`create schema ${sql.identifier(schema)}`);
    const rows: DefenceRow[] = [];
    for (const { title, story, without, play } of stories) {
      const outcomes: Outcome[] = [];
      for (const lines of [{ ...all, ...Object.fromEntries(without.map((line) => [line, false])) }, all]) {
        const till = new Till(database, locks, lines);
        await till.open();
        outcomes.push(await play(till, lines));
      }
      const [bare, whole] = outcomes as [Outcome, Outcome];
      rows.push({ off: title, story, without: bare, withAll: whole });
    }
    return rows;
  } finally {
    await database.execute(sql`drop schema if exists ${sql.identifier(schema)} cascade`);
    await locks.close();
    await close();
  }
}

/** The rows for a terminal. */
export function defencesTable(rows: readonly DefenceRow[]): string {
  const cells = [
    ['line of defence off', 'seen without it', 'seen with all of them'],
    ...rows.map(({ off, without, withAll }) => [off, without.seen, withAll.seen]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const [head = [], ...body] = cells;
  return [line(head), rule, ...body.map(line)].join('\n');
}
