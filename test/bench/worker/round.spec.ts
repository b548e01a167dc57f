import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { now } from '../clock.js';
import type { LockClient } from '../contestants/contestant.js';
import { ErrorTally } from './error-tally.js';
import type { Plan } from './plan.js';
import { readRecords } from './record-columns.js';
import { Round } from './round.js';

type Section = LockClient['section'];

const usual = {
  names: ['a'],
  permits: 1,
  times: Infinity,
  callers: 4,
  sectionMs: 1,
  durationMs: 60,
  drainMs: 5_000,
  settleMs: 0,
  record: true,
};

function play(section: Section, plan: Partial<Plan> = {}, gaveUp = () => 0) {
  const client: LockClient = { section, gaveUp, close: () => Promise.resolve() };
  return new Round(client, { ...usual, startAt: now() + 5, ...plan }, new ErrorTally()).run();
}

/** One after another on every name. */
function mutex(): Section {
  const tails = new Map<string, Promise<void>>();
  return (name, body) => {
    const tail = (tails.get(name) ?? Promise.resolve()).then(body);
    tails.set(name, tail);
    return tail;
  };
}

describe('a round of one process', () => {
  it('finds no overlaps under a correct lock', async () => {
    const result = await play(mutex());
    expect(result.overlaps).toBe(0);
    expect(result.allSections).toBeGreaterThan(0);
    expect(result).toMatchObject({ stuck: 0, errors: [], elapsedMs: usual.durationMs });
  });

  it('finds every section that was entered during another one', async () => {
    const noLock: Section = async (_name, body) => body();
    const { overlaps, allSections } = await play(noLock, { callers: 2, sectionMs: 5 });
    expect(overlaps).toBeGreaterThan(0);
    expect(overlaps).toBeLessThan(allSections);
  });

  it('finds what is entered beyond the permits', async () => {
    const noLock: Section = async (_name, body) => body();
    expect((await play(noLock, { callers: 3, permits: 3, sectionMs: 5 })).overlaps).toBe(0);
    expect((await play(noLock, { callers: 3, permits: 2, sectionMs: 5 })).overlaps).toBeGreaterThan(0);
  });

  it('does not take callers of different names for an overlap', async () => {
    const { overlaps } = await play(async (_name, body) => body(), { names: ['a', 'b'], callers: 2, sectionMs: 5 });
    expect(overlaps).toBe(0);
  });

  it('lets each caller start no more sections than it may', async () => {
    expect(await play(mutex(), { callers: 3, times: 2 })).toMatchObject({ allSections: 6, sections: 6 });
  });

  it('counts only what ended within the window', async () => {
    const slow: Section = async (_name, body) => {
      await body();
    };
    const plan = { callers: 3, sectionMs: 40, durationMs: 20, names: ['a', 'b', 'c'] };
    expect(await play(slow, plan)).toMatchObject({ sections: 0, allSections: 3, insideMs: 0 });
  });

  it('names the callers that never return, and continues', async () => {
    let calls = 0;
    const loses: Section = (_name, body) => (++calls === 2 ? new Promise(() => undefined) : Promise.resolve(body()));
    const result = await play(loses, { names: ['a', 'b', 'c', 'd'], drainMs: 20 });
    expect(result.stuck).toBe(1);
    expect(result.allSections).toBeGreaterThan(0);
  });

  it('reports errors', async () => {
    const fails: Section = () => Promise.reject(new Error('no lock'));
    expect(await play(fails, { callers: 2, durationMs: 500 })).toMatchObject({
      sections: 0,
      stuck: 0,
      errors: ['Error: no lock (2×)'],
    });
  });

  it('counts how often the library stopped retrying in this round, not before', async () => {
    let gaveUp = 40;
    const counting: Section = async (_name, body) => {
      gaveUp += 1;
      await body();
    };
    const { gaveUp: counted, allSections } = await play(counting, { callers: 1 }, () => gaveUp);
    expect(counted).toBe(allSections);
  });

  it('keeps a record of each section, in the order of its life', async () => {
    const result = await play(mutex(), { names: ['a', 'b'] });
    const records = readRecords(result.records, 0, { names: ['a', 'b'] });
    expect(records).toHaveLength(result.allSections);
    for (const { asked, entered, left, returned } of records) {
      expect([asked, entered, left, returned]).toEqual([asked, entered, left, returned].sort((a, b) => a - b));
    }
    expect(new Set(records.map(({ caller, name }) => `${caller}${name}`))).toEqual(new Set(['0a', '1b', '2a', '3b']));
  });

  it('keeps no records unless that is requested', async () => {
    expect((await play(mutex(), { record: false })).records).toHaveLength(0);
  });

  it('serves callers that still wait at the end of the round, in sections without a sleep', async () => {
    const started = now();
    const { allSections } = await play(mutex(), { callers: 50, sectionMs: 100, durationMs: 150 });
    await sleep(0);
    expect(allSections).toBeGreaterThanOrEqual(50);
    // Fifty sections of 100 ms would be five seconds: this compares with that, not with a time of the machine's.
    expect(now() - started).toBeLessThan(usual.drainMs);
  });
});
