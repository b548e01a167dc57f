import { describe, expect, it } from '@jest/globals';
import { aimRows, type AimRow } from './aims.js';
import type { Findings } from './findings.js';
import { contestant, findingsOf, measurement, own } from './findings.testing.js';
import { aimTable, aimText } from './readme.js';

const peer = contestant('peer');
const four = { at: { processes: 4, callers: 16 } };
const hot = { at: { callers: 50, names: 1, sectionMs: 1 } };

function row(findings: Findings, work: string): AimRow {
  const found = aimRows(findings).find((each) => each.work.startsWith(work));
  if (found === undefined) throw new Error(`There is no row "${work}".`);
  return found;
}

describe('the table of aims', () => {
  it('compares the measured values with the aim, and shows the best peer', () => {
    const findings = findingsOf(
      [own, peer],
      measurement('lone', own, 'speedOfRaw', [0.8, 0.95, 1]),
      measurement('lone', peer, 'speedOfRaw', [0.5]),
    );
    expect(row(findings, 'acquire and release')).toMatchObject({
      measured: '0.95 (0.8 to 1) × raw ioredis',
      met: true,
      peer: 'peer: 0.5 × raw ioredis',
    });
  });

  it('reports an aim as missed if a part of it is', () => {
    const findings = findingsOf(
      [own],
      measurement('processes', own, 'stretch', [1.1], four),
      measurement('processes', own, 'unservedCallers', [2], four),
    );
    expect(row(findings, '4 processes').met).toBe(false);
  });

  it('reports no aim as met that was measured in part', () => {
    const findings = findingsOf([own], measurement('processes', own, 'stretch', [1.1], four));
    expect(row(findings, '4 processes')).toMatchObject({
      met: undefined,
      measured: '1.1 × end to end; of the sections/s end to end: not measured; callers not served: not measured',
    });
  });

  it('compares a value with many processes to that with few', () => {
    const time = (processes: number, ms: number) =>
      measurement('fair', own, 'msPerSection', [ms], { at: { processes } });
    const requests = (processes: number) => measurement('fair', own, 'requestsPerSection', [3], { at: { processes } });
    const flat = findingsOf([own], time(2, 1.5), time(64, 2.4), requests(2), requests(64));
    expect(row(flat, 'a fair lock')).toMatchObject({ measured: '1 × the requests; 1.6 × the time', met: true });
    const steep = findingsOf([own], time(2, 1.5), time(64, 3.6), requests(2), requests(64));
    expect(row(steep, 'a fair lock').met).toBe(false);
  });

  it('gives the time of the sections as a rate, too', () => {
    const findings = findingsOf([own], measurement('processes', own, 'timeOfEndToEnd', [1.6, 1.25, 1], four));
    expect(row(findings, '4 processes').measured).toContain('0.8 (0.63 to 1) of the sections/s end to end');
    const slow = findingsOf([own], measurement('processes', own, 'timeOfEndToEnd', [1.4], four));
    expect(row(slow, '4 processes').met).toBe(false);
  });

  it('counts commands inside scripts', () => {
    const findings = findingsOf(
      [own],
      measurement('hot', own, 'timeOfMutex', [1], hot),
      measurement('hot', own, 'requestsPerSection', [0.1], hot),
      measurement('hot', own, 'commandsInScriptsPerSection', [0.15], hot),
    );
    expect(row(findings, '50 callers')).toMatchObject({
      measured: "1 × mutex; 1 of the mutex's sections/s; 0.25 commands a section",
      met: false,
    });
  });

  it('compares commands with those of the fastest correct peer that polls every ms', () => {
    const patient = contestant('patient');
    const poller = contestant('poller', { setting: 'fastest' });
    const slower = contestant('slower', { setting: 'fastest' });
    const cheat = contestant('cheat', { setting: 'fastest' });
    const speed = (who: typeof own, value: number, overlaps = 0) =>
      measurement('processes', who, 'sectionsPerSecond', [value], { ...four, overlaps });
    const requests = (who: typeof own, value: number) =>
      measurement('processes', who, 'requestsPerSection', [value], four);
    const findings = findingsOf(
      [own, patient, slower, poller, cheat],
      ...[speed(own, 9), speed(patient, 8), speed(slower, 4), speed(poller, 5), speed(cheat, 8, 3)],
      ...[requests(own, 1), requests(patient, 4), requests(slower, 50), requests(poller, 20), requests(cheat, 2)],
      measurement('processes', poller, 'unservedCallers', [13], four),
    );
    expect(row(findings, 'commands a section, 4 processes')).toMatchObject({
      measured: "0.05 × the fastest poller's",
      met: true,
      peer: 'poller, fastest: 20 commands a section, 5 sections/s, 13 callers not served',
    });
  });

  it('compares commands with no peer if none polls every ms', () => {
    const findings = findingsOf(
      [own, peer],
      measurement('processes', peer, 'sectionsPerSecond', [8], four),
      measurement('processes', peer, 'requestsPerSection', [4], four),
      measurement('processes', own, 'requestsPerSection', [1], four),
    );
    expect(row(findings, 'commands a section, 4 processes')).toMatchObject({ met: undefined, peer: 'none measured' });
  });

  it('names a peer that left callers waiting, and the best that did not', () => {
    const fair = contestant('fair');
    const findings = findingsOf(
      [own, peer, fair],
      measurement('processes', peer, 'stretch', [1.5], four),
      measurement('processes', peer, 'unservedCallers', [40], four),
      measurement('processes', fair, 'stretch', [2.5], four),
      measurement('processes', fair, 'unservedCallers', [0], four),
    );
    expect(row(findings, '4 processes').peer).toBe(
      'peer: 1.5 × end to end, 40 callers not served; best that served every caller: fair: 2.5 × end to end',
    );
  });

  it('reports it if every peer left callers waiting', () => {
    const findings = findingsOf(
      [own, peer],
      measurement('hot', peer, 'timeOfMutex', [1.4], hot),
      measurement('hot', peer, 'unservedCallers', [45], hot),
    );
    expect(row(findings, '50 callers').peer).toBe('peer: 1.4 × mutex, 45 callers not served; none served every caller');
  });

  it('has all rows whatever was measured, on the page', () => {
    const rows = aimRows(findingsOf([own]));
    expect(rows.every(({ met }) => met === undefined)).toBe(true);
    expect(aimTable(rows).split('\n')).toHaveLength(rows.length + 2);
  });

  it('has on the terminal what was measured', () => {
    const rows = aimRows(findingsOf([own], measurement('lone', own, 'speedOfRaw', [1])));
    expect(aimText(rows).split('\n')).toHaveLength(4);
  });
});
