import type { Check, Violation } from './check.js';

/** The history makes sense. One that does not was written wrongly, or the library called back out of turn. */
export const wellFormed: Check = (run) => {
  const violations: Violation[] = run.stray.map(({ event, why }) => ({
    property: 'malformed',
    message: `"${event.type}" ${why}`,
    events: [event],
  }));
  for (const [name, writes] of run.writes) {
    for (const [index, write] of writes.entries()) {
      const { enter } = run.attempts.get(write.caller)!.sections.get(name)!;
      if (write.token !== enter.token) {
        violations.push({
          property: 'malformed',
          message: `"${name}": a write with a token of others`,
          events: [enter, write],
        });
      }
      if (index > 0 && write.seq === writes[index - 1]!.seq) {
        violations.push({ property: 'malformed', message: `"${name}": two writes with one number`, events: [write] });
      }
    }
  }
  return { violations };
};
