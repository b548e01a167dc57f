import type { Check, Violation } from './check.js';

/** When all is done, nothing is left on the servers or in a process that was not killed, and somebody has looked. */
export const nothingLeft: Check = (run) => {
  const violations: Violation[] = [];
  for (const event of run.left) {
    for (const [what, rest] of Object.entries(event.what)) {
      if (typeof rest === 'number' ? rest === 0 : rest.length === 0) continue;
      const message = `${event.process ?? 'the servers'}: ${what} left behind: ${typeof rest === 'number' ? rest : rest.join()}`;
      violations.push({ property: 'left-behind', message, events: [event] });
    }
  }
  const looked = new Set(run.left.map(({ process }) => process));
  const processes = new Set([...run.attempts.values()].map(({ want }) => want.process));
  for (const process of [undefined, ...processes]) {
    if (looked.has(process) || (process !== undefined && run.killed.has(process))) continue;
    const message = `nobody looked at what was left ${process === undefined ? 'on the servers' : `in ${process}`}`;
    violations.push({ property: 'left-behind', message, events: [] });
  }
  return { violations };
};
