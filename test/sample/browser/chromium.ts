import { chromium, type Browser } from 'playwright-core';
import { findProgram } from '../../../sample-app/services/find-program.js';

const program = findProgram('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable');

export const hasBrowser = program !== undefined;

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
