import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Section {
  readonly pid: number;
  readonly caller: number;
  readonly token: number;
  readonly start: bigint;
  /** Missing where the process was killed in it. */
  end: bigint | undefined;
  /** Whether the lease was over when the section ended, and the section could know. */
  lost: boolean;
}

interface Line {
  what: 'start' | 'end';
  pid: number;
  caller: number;
  token: number;
  at: string;
  lost?: boolean;
}

/** The sections that the processes have logged, in the order they started. */
export function readSections(folder: string): Section[] {
  const sections = new Map<number, Section>();
  for (const text of readFileSync(join(folder, 'log'), 'utf8').split('\n')) {
    if (text === '') continue;
    const { what, pid, caller, token, at, lost } = JSON.parse(text) as Line;
    if (what === 'start') {
      if (sections.has(token)) throw new Error(`The token ${token} was given out twice.`);
      sections.set(token, { pid, caller, token, start: BigInt(at), end: undefined, lost: false });
    } else {
      const section = sections.get(token);
      if (section === undefined) throw new Error(`A section with the token ${token} ended and never started.`);
      section.end = BigInt(at);
      section.lost = lost ?? false;
    }
  }
  return [...sections.values()].sort((a, b) => (a.start < b.start ? -1 : 1));
}

/** Pairs of sections of which the second started before the first had ended. */
export function overlaps(sections: readonly Section[]): [Section, Section][] {
  const found: [Section, Section][] = [];
  for (const [index, section] of sections.entries()) {
    for (const later of sections.slice(index + 1)) {
      if (section.end === undefined || later.start >= section.end) break;
      found.push([section, later]);
    }
  }
  return found;
}

/** Neighbours in time of which the later has the smaller token. */
export function tokensThatFell(sections: readonly Section[]): [Section, Section][] {
  return sections.slice(1).flatMap((section, index): [Section, Section][] => {
    const before = sections[index]!;
    return section.token > before.token ? [] : [[before, section]];
  });
}
