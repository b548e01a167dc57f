import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Says at the end of `npm test` what it ran, and what runs the rest. */
export default class QuickReporter {
  onRunComplete(contexts, { numTotalTests, numPendingTests, testResults }) {
    const [{ config }] = contexts;
    const ignored = config.testPathIgnorePatterns.map((pattern) => new RegExp(pattern));
    const all = readdirSync(join(config.rootDir, 'test'), { recursive: true })
      .map((path) => join(config.rootDir, 'test', path))
      .filter((path) => path.endsWith('.spec.ts') && !ignored.some((pattern) => pattern.test(path)));
    const ran = `npm test ran ${numTotalTests - numPendingTests} tests in ${testResults.length} of ${all.length} files.`;
    // Jest prints its summary after every reporter.
    process.once('exit', () => process.stderr.write(`\n${ran} npm run test:all runs all of them.\n`));
  }
}
