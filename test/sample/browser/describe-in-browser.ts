import { jest } from '@jest/globals';
import { describeUnless } from '../../support/describe-unless.js';
import { hasBrowser } from './chromium.js';

// `npm start` starts about ten processes, and a browser some more.
jest.setTimeout(120_000);

/** `describe` for tests in a browser. */
export function describeInBrowser(name: string, tests: () => void): void {
  describeUnless(hasBrowser ? undefined : 'there is no chromium on the PATH', name, tests);
}
