import type { Check } from './check.js';

/** Figures about a run. A hand-over is a section whose caller had asked before its predecessor left. */
export const tally: Check = (run) => {
  const counts = { names: run.sections.size, sections: 0, handOvers: 0, handOversInProcess: 0 };
  for (const sections of run.sections.values()) {
    counts.sections += sections.length;
    for (const [index, { attempt }] of sections.entries()) {
      const before = sections[index - 1];
      if (before?.leave === undefined || attempt.want.at >= before.leave.at) continue;
      counts.handOvers += 1;
      if (before.attempt.want.process === attempt.want.process) counts.handOversInProcess += 1;
    }
  }
  const pauses = [...run.pauses.values()].flat().length;
  return { violations: [], counts: { ...counts, faults: run.faults.length, killed: run.killed.size, pauses } };
};
