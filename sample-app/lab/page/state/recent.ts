/** The last `size` entries, the newest first. */
export class Recent<T> {
  private readonly kept: T[] = [];

  constructor(private readonly size: number) {}

  get newestFirst(): readonly T[] {
    return this.kept;
  }

  add(entry: T): void {
    this.kept.unshift(entry);
    if (this.kept.length > this.size) this.kept.pop();
  }
}
