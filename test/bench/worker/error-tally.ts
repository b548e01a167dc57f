/** What went wrong, each message once with how often it came. */
export class ErrorTally {
  private readonly counts = new Map<string, number>();

  add(error: unknown): void {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    // The names of locks would make every message another one.
    const kind = text.split('\n', 1)[0]?.replaceAll(/bench:\S+?(?=['"\s]|$)/g, '<name>') ?? '';
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** All since the last call. */
  take(): string[] {
    const all = [...this.counts].map(([kind, count]) => `${kind} (${count}×)`);
    this.counts.clear();
    return all;
  }
}
