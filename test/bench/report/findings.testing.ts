import type { ContestantInfo } from '../contestants/contestant.js';
import { Findings } from './findings.js';
import { measured, type Measurement } from './measurement.js';

export function contestant(id: string, more: Partial<ContestantInfo> = {}): ContestantInfo {
  return {
    id,
    title: id,
    package: `${id} 1.0.0`,
    kind: 'peer',
    setting: 'default',
    client: 'ioredis',
    exclusive: true,
    processes: 'many',
    ...more,
  };
}

export const own = contestant('own', { kind: 'own' });
export const floor = contestant('floor', { kind: 'floor' });

export function measurement(
  inCase: string,
  who: ContestantInfo,
  metric: string,
  rounds: readonly number[],
  more: Partial<Measurement> = {},
): Measurement {
  return measured({ case: inCase, contestant: who.id, metric, unit: 'units', ...more }, rounds);
}

/** Findings of whoever is in the measurements. */
export function findingsOf(contestants: readonly ContestantInfo[], ...measurements: Measurement[]): Findings {
  const cases = [...new Set(measurements.map((each) => each.case))];
  return new Findings(
    contestants,
    cases.map((id) => ({
      id,
      title: `case ${id}`,
      failures: [],
      measurements: measurements.filter((each) => each.case === id),
    })),
  );
}
