import type { EvolutionCell, EvolutionTable } from './evolution-table.js';
import { isScenarioName, scenarios } from './scenarios.js';
import type { ScenarioName } from './scenarios.js';
import { expectations } from './scenarios/expectations.js';
import { isSystemName, systems } from './systems.js';
import type { SystemName } from './systems.js';
import { summaries } from './system-summaries.js';

/** The table before anything was run: every cell with what is expected of it. */
export function emptyTable(
  systemNames: readonly SystemName[] = Object.keys(systems).filter(isSystemName),
  scenarioNames: readonly ScenarioName[] = Object.keys(scenarios).filter(isScenarioName),
): EvolutionTable {
  return {
    state: 'never-run',
    problem: null,
    startedAt: null,
    tookMs: null,
    systems: systemNames.map((name) => ({ name, title: systems[name], summary: summaries[name] })),
    scenarios: scenarioNames.map((name) => ({ name, ...scenarios[name] })),
    cells: systemNames.flatMap((system) => scenarioNames.map((scenario) => emptyCell(system, scenario))),
  };
}

function emptyCell(system: SystemName, scenario: ScenarioName): EvolutionCell {
  const expectation = expectations[scenario][system];
  const applicable = !('notApplicable' in expectation);
  return {
    system,
    scenario,
    state: applicable ? 'waiting' : 'not-applicable',
    mark: applicable ? '' : '–',
    expected: applicable ? expectation.text : expectation.notApplicable,
    seen: null,
    asExpected: null,
    verdict: null,
    counts: null,
  };
}
