import { describe, expect, it } from '@jest/globals';
import { laidEndToEnd } from './laid-end-to-end.js';
import { section } from './section.testing.js';

describe('sections compared with the same sections laid end to end', () => {
  it('fill the time when nothing lies between them', () => {
    expect(laidEndToEnd([section(0, 0, 1), section(1, 1, 3)])?.share).toBe(1);
  });

  it('fill half of it when as much is lost between them', () => {
    const sections = [section(0, 1, 2), section(1, 3, 4)];
    expect(laidEndToEnd(sections)).toEqual({ sectionsMs: 2, elapsedMs: 4, share: 0.5, stretch: 2 });
  });

  it('are counted from when the callers were let go', () => {
    expect(laidEndToEnd([section(0, 1, 2, { asked: 1 })], 0)?.elapsedMs).toBe(2);
  });

  it('of nothing are nothing', () => {
    expect(laidEndToEnd([])).toBeNull();
  });
});
