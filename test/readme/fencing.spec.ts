import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createLockService, type LockService } from 'nestjs-redis-lock';
import pg from 'pg';
import { startPostgres, type RunningPostgres } from '../../sample-app/services/postgres.js';
import { readmeSnippets } from './snippets.js';

/** The first code block of the README in this language that mentions `text`. */
function snippet(language: string, text: string): string {
  const found = readmeSnippets().find((each) => each.language === language && each.code.includes(text));
  return found?.code ?? '';
}

/** The guarded statement as the README prints it. */
const update = /'(UPDATE stock [^']*)'/.exec(snippet('ts', 'UPDATE stock'))?.[1] ?? '';

let postgres: RunningPostgres;
let db: pg.Client;
let locks: LockService;

beforeAll(async () => {
  postgres = await startPostgres();
  db = new pg.Client({ connectionString: postgres.url });
  await db.connect();
  locks = createLockService({ memory: true });
}, 60_000);
beforeEach(async () => {
  await db.query('CREATE TEMPORARY TABLE IF NOT EXISTS stock (sku text PRIMARY KEY, amount integer NOT NULL)');
  await db.query('TRUNCATE stock');
  await db.query(`INSERT INTO stock (sku, amount) VALUES ('shoes', 10)`);
  await db.query('ALTER TABLE stock DROP COLUMN IF EXISTS fence');
  await db.query(snippet('sql', 'fence'));
});
afterAll(async () => {
  await locks.close();
  await db.end();
  await postgres.stop();
});

const write = async (token: number): Promise<number | null> => (await db.query(update, [token, 'shoes'])).rowCount;
const amount = async (): Promise<number> => {
  const { rows } = await db.query<{ amount: number }>('SELECT amount FROM stock');
  return rows[0]!.amount;
};

it('the column of the fencing guide stores a token, and lets the first holder write an existing row', async () => {
  await locks.withLock('stock:shoes', async ({ token }) => {
    expect(await write(token)).toBe(1);
    const { rows } = await db.query<{ fence: string }>('SELECT fence FROM stock');
    expect(rows).toEqual([{ fence: String(token) }]);
  });
});

it('the statement of the fencing guide lets one section write more than once', async () => {
  await locks.withLock('stock:shoes', async ({ token }) => {
    expect([await write(token), await write(token), await write(token)]).toEqual([1, 1, 1]);
  });
  expect(await amount()).toBe(7);
});

it('the statement of the fencing guide rejects an earlier holder, and accepts every later one', async () => {
  const overtaken = await locks.withLock('stock:shoes', ({ token }) => token);
  await locks.withLock('stock:shoes', async ({ token }) => {
    expect(await write(token)).toBe(1);
    expect(await write(overtaken)).toBe(0);
    expect(await write(token)).toBe(1);
  });
  expect(await locks.withLock('stock:shoes', ({ token }) => write(token))).toBe(1);
  expect(await amount()).toBe(7);
});
