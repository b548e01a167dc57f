// Jest prints nothing about a file in which every test is skipped. This reporter lists what was skipped, and why, at the
// end of the run.

/** Precedes the reason in the title of a suite or a test that `describe-unless.ts` skips. */
const SKIPPED = 'SKIPPED: ';

export default class SkipReporter {
  onRunComplete(_contexts, { testResults }) {
    const counts = new Map();
    for (const { testResults: tests } of testResults) {
      for (const { status, ancestorTitles, title } of tests) {
        if (status !== 'pending') continue;
        const suite =
          [...ancestorTitles, title].find((each) => each.includes(SKIPPED)) ?? `without a reason: ${ancestorTitles}`;
        counts.set(suite, (counts.get(suite) ?? 0) + 1);
      }
    }
    if (counts.size === 0) return;
    process.stderr.write('\nSkipped tests:\n');
    for (const [suite, count] of counts) process.stderr.write(`  ${count} in ${suite}\n`);
  }
}
