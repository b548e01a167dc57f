import { describe, jest } from '@jest/globals';
import { hasBrowser } from './chromium.js';

// `npm start` starts about ten processes, and a browser some more.
jest.setTimeout(120_000);

/** Tests in a browser. Where there is none they are skipped, and say so; in CI they fail. */
export function describeInBrowser(name: string, tests: () => void): void {
  const skip = !hasBrowser && process.env.CI !== 'true';
  if (skip) console.warn(`${name}: skipped, there is no chromium on the PATH.`);
  (skip ? describe.skip : describe)(name, tests);
}
