import type { Section } from './section.js';

/** A section for specs: whoever runs it asked at 0 unless told otherwise. */
export function section(
  worker: number,
  entered: number,
  left: number,
  { caller = 0, name = 'name', asked = 0 }: Partial<Section> = {},
): Section {
  return { worker, caller, name, asked, entered, left };
}
