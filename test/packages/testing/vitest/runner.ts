import { afterEach, beforeEach, describe, it, vi } from 'vitest';

export { afterEach, beforeEach, describe, it };

export const fakes = {
  // An HTTP server needs real ticks and immediates.
  install: (): unknown =>
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'Date', 'performance'] }),
  remove: (): unknown => vi.useRealTimers(),
  advance: (ms: number): unknown => vi.advanceTimersByTime(ms),
};
