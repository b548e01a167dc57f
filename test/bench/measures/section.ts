/** One section as it was lived through by its caller. Times are in ms, on a clock that all processes of the machine share. */
export interface Section {
  /** Which process of the crew ran it. */
  readonly worker: number;
  /** Which caller of that process. */
  readonly caller: number;
  /** The lock's name. */
  readonly name: string;
  /** When the lock was asked for. */
  readonly asked: number;
  /** The first thing read inside the section. */
  readonly entered: number;
  /** The last thing read inside the section. */
  readonly left: number;
}

/** The sections of each lock, in the order they were entered. */
export function timelines(sections: readonly Section[]): Section[][] {
  const byName = new Map<string, Section[]>();
  for (const section of sections) {
    const known = byName.get(section.name);
    if (known === undefined) byName.set(section.name, [section]);
    else known.push(section);
  }
  return [...byName.values()].map((line) => line.sort((a, b) => a.entered - b.entered));
}
