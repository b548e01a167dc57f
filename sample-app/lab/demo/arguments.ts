import { parseArgs } from 'node:util';
import { isScenarioName, scenarios } from '../evolution/scenarios.js';
import type { ScenarioName } from '../evolution/scenarios.js';
import { isSystemName, systems } from '../evolution/systems.js';
import type { SystemName } from '../evolution/systems.js';

/** The requested demo: readers of an empty cache, or the table of systems and scenarios. */
export type DemoArguments =
  | { readonly show: 'stampede' }
  | { readonly show: 'help' }
  | {
      readonly show: 'evolution';
      readonly systems: readonly SystemName[];
      readonly scenarios: readonly ScenarioName[];
    };

export const usage = `npm run demo                           readers of an empty cache, with and without a lock
npm run demo -- --evolution            every system in every scenario
    --system NAME                      only this one; may be given more than once
    --scenario NAME                    only this one; may be given more than once

Systems:   ${Object.keys(systems).join(', ')}
Scenarios: ${Object.keys(scenarios).join(', ')}`;

/** @throws Error with a message for the user */
export function demoArguments(args: readonly string[]): DemoArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      evolution: { type: 'boolean', default: false },
      system: { type: 'string', multiple: true, default: [] },
      scenario: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return { show: 'help' };
  if (!values.evolution) {
    if (values.system.length + values.scenario.length === 0) return { show: 'stampede' };
    throw new Error('--system and --scenario belong to --evolution.');
  }
  return {
    show: 'evolution',
    systems: chosen('system', values.system, isSystemName, Object.keys(systems)),
    scenarios: chosen('scenario', values.scenario, isScenarioName, Object.keys(scenarios)),
  };
}

/** All of them when none is named. */
function chosen<Name extends string>(
  what: string,
  given: readonly string[],
  isName: (name: string) => name is Name,
  known: readonly string[],
): Name[] {
  const wrong = given.find((name) => !isName(name));
  if (wrong !== undefined) throw new Error(`There is no ${what} "${wrong}". There are: ${known.join(', ')}.`);
  return known.filter(isName).filter((name) => given.length === 0 || given.includes(name));
}
