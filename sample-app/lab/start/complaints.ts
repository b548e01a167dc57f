const everyMs = 1_000;
const mostLetters = 300;

/**
 * Prints errors of the replicas on the terminal, at most one line a second, since an unreachable Redis causes many.
 * Lines that are not log lines are printed, too: a crashing process writes them.
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
