/** Says how far a run is: on a terminal in one line that is written over, elsewhere (CI) in a line every 2 s. */
export class Progress {
  private readonly terminal = process.stdout.isTTY;
  private readonly started = Date.now();
  private lastShown = Date.now();

  constructor(
    private readonly what: string,
    private readonly total: number,
  ) {
    if (!this.terminal) console.log(`${what} …`);
  }

  readonly served = (count: number): void => {
    const now = Date.now();
    if (now - this.lastShown < (this.terminal ? 100 : 2_000)) return;
    this.lastShown = now;
    const line = `${this.what}: ${count} of ${this.total} readers served after ${((now - this.started) / 1000).toFixed(1)} s`;
    if (this.terminal) process.stdout.write(`\r\u001b[K${line}`);
    else console.log(line);
  };

  end(): void {
    if (this.terminal) process.stdout.write('\r\u001b[K');
    console.log(
      `${this.what}: done in ${((Date.now() - this.started) / 1000).toFixed(1)} s, start and warm-up included`,
    );
  }
}
