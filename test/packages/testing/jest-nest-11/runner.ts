import { afterEach, beforeEach, describe, it, jest } from '@jest/globals';

export { afterEach, beforeEach, describe, it };

export const fakes = {
  // An HTTP server needs real ticks and immediates.
  install: (): unknown => jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }),
  remove: (): unknown => jest.useRealTimers(),
  advance: (ms: number): void => {
    jest.advanceTimersByTime(ms);
  },
};
