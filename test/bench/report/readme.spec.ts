import { describe, expect, it } from '@jest/globals';
import { contestant, findingsOf, measurement, own } from './findings.testing.js';
import type { Findings } from './findings.js';
import { readme } from './readme.js';
import type { RunRecord } from './run-record.js';

const peer = contestant('peer');
const quick = contestant('peer-fastest', { title: 'peer', setting: 'fastest' });

function record(
  { contestants, results }: Findings,
  failures: RunRecord['results'][number]['failures'] = [],
): RunRecord {
  return {
    machine: 'Redis 7.0.15',
    commit: 'abc1234',
    startedAt: new Date('2026-01-02T03:04:05.000Z'),
    tookMs: 600_000,
    quick: false,
    rounds: 5,
    contestants,
    absent: [{ file: 'gone', reason: 'it cannot be imported' }],
    results: results.map((result) => ({ ...result, failures })),
    cases: [{ id: 'lone', measures: 'What one caller can do.', tookMs: 12_300 }],
  };
}

const findings = findingsOf(
  [peer, quick, own],
  measurement('lone', own, 'sectionsPerSecond', [3, 1, 2], { unit: 'sections/s' }),
  measurement('lone', peer, 'sectionsPerSecond', [9], { unit: 'sections/s', overlaps: 4, gaveUp: 2 }),
  measurement('lone', quick, 'sectionsPerSecond', [8], { unit: 'sections/s' }),
);

describe('the page of results', () => {
  const page = readme(record(findings, [{ contestant: 'peer', reason: 'cut off' }]), findings);
  const lines = page.split('\n').map((line) => line.replaceAll(/ +/g, ' '));

  it('has a table for each case, with disqualified peers last', () => {
    const from = lines.indexOf('| | sections per second (sections/s) | |');
    expect(lines.slice(from + 2, from + 5)).toEqual([
      '| peer, fastest | 8 | |',
      '| **own** | 2 (1 to 3) | |',
      '| peer | 9 | **disqualified**: 4 overlaps here; gave up 2 × |',
    ]);
    expect(lines).toContain('What one caller can do.');
  });

  it('names the peers ahead, and none of those that are disqualified', () => {
    expect(lines).toContain('| lone | sections per second | peer, fastest | 4 × | |');
    expect(lines).toContain('| lone | peer | 4 |');
  });

  it('names what was not measured, and which contestants did not take part', () => {
    expect(lines).toContain('- peer: cut off');
    expect(lines).toContain('- gone: it cannot be imported');
  });

  it('has the machine, the versions and the commit', () => {
    expect(page).toContain('Redis 7.0.15');
    expect(page).toContain('2026-01-02 03:04 UTC, 10 min, 5 rounds, commit abc1234.');
    expect(lines).toContain('- Seconds by case: lone 12.');
  });
});
