/** Counts the background operations that a shutdown waits for. */
export class OpenWork {
  private count = 0;
  private onDone: (() => void)[] = [];

  begin(): void {
    this.count += 1;
  }

  end(): void {
    this.count -= 1;
    if (this.count > 0) return;
    const { onDone } = this;
    this.onDone = [];
    for (const done of onDone) done();
  }

  /** Resolves when there are none. */
  async done(): Promise<void> {
    while (this.count > 0) await new Promise<void>((resolve) => this.onDone.push(resolve));
  }
}
