import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

it('works with the fake timers of node:test, which may be installed and removed at any time', async () => {
  const file = fileURLToPath(new URL('children/mock-timers.mjs', import.meta.url));
  // A child of a test run reports to its parent.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const run = promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', file], { env });
  const { stdout } = await run.catch((error: unknown) => error as { stdout: string });
  expect(stdout).toMatch(/^# pass 3$/m);
  expect(stdout).toMatch(/^# tests 3$/m);
});
