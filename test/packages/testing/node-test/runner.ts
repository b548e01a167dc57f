import { afterEach, beforeEach, describe, it, mock } from 'node:test';

export { afterEach, beforeEach, describe, it };

export const fakes = {
  install: (): void => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.now() });
  },
  remove: (): void => {
    mock.timers.reset();
  },
  advance: (ms: number): void => {
    mock.timers.tick(ms);
  },
};
