const everyMs = 1_000;
const mostLetters = 300;

/**
 * Shows on the terminal what the replicas complain about, one line a second at most: a Redis that is away is a flood.
 * What is not a line of the log is shown, too: that is how a process tells that it breaks down.
 */
export class Complaints {
  private shownAt = Number.NEGATIVE_INFINITY;
  private leftOut = 0;

  /** @param line of the log, with the name of the process before it */
  readonly hear = (line: string): void => {
    const isLog = /^\S+: \{/.test(line);
    if (isLog ? !/"level":"(error|fatal)"/.test(line) : line.includes(' listens on ')) return;
    const now = performance.now();
    if (now - this.shownAt < everyMs) {
      this.leftOut += 1;
      return;
    }
    const more = this.leftOut === 0 ? '' : ` (and ${String(this.leftOut)} more before it)`;
    console.error(`${line.slice(0, mostLetters)}${more}`);
    this.shownAt = now;
    this.leftOut = 0;
  };
}
