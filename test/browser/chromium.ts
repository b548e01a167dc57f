import { describe } from '@jest/globals';
import { chromium, type Browser } from 'playwright-core';
import { findProgram } from '../../sample-app/services/find-program.js';

const program = findProgram('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable');

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A real browser, with a profile of its own that goes with it. */
export async function startBrowser(): Promise<Browser> {
  if (program === undefined) throw new Error('There is no chromium on the PATH.');
  return chromium.launch({ executablePath: program, args: flags });
}

/** Tests in a browser. Where there is none they are skipped, and say so; in CI they fail. */
export function describeInBrowser(name: string, tests: () => void): void {
  const skip = program === undefined && process.env.CI !== 'true';
  if (skip) console.warn(`${name}: skipped, there is no chromium on the PATH.`);
  (skip ? describe.skip : describe)(name, tests);
}
