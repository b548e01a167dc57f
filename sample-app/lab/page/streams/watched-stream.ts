export interface WatchedStreamOptions {
  readonly url: string;
  /** What to do with the events of the stream, by their names. */
  readonly on: Readonly<Record<string, (data: unknown) => void>>;
  readonly onState: (connected: boolean) => void;
  /** The stream counts as hung when nothing came for this long, in ms. Default 1,500. */
  readonly quietMs?: number;
}

/** How long a new connection may take to bring its first event, in ms. */
const openMs = 4_000;
const checkMs = 250;

/**
 * A stream of server-sent events that is reopened when it fails or hangs: a stopped replica keeps its connections open
 * and sends nothing. The browser itself would wait for seconds, or forever.
 */
export class WatchedStream {
  private source: EventSource | null = null;
  private heardAt = 0;
  private connected = false;
  private openedAt = 0;

  constructor(private readonly options: WatchedStreamOptions) {
    this.open();
    setInterval(() => this.check(), checkMs);
    // A browser opens six connections to one host, over all its tabs: a hidden tab must not keep one.
    document.addEventListener('visibilitychange', () => (document.hidden ? this.close() : this.open()));
  }

  private close(): void {
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    this.close();
    if (document.hidden) return;
    this.openedAt = Date.now();
    const source = new EventSource(this.options.url);
    this.source = source;
    for (const [name, take] of Object.entries(this.options.on)) {
      source.addEventListener(name, (message: MessageEvent<string>) => {
        this.heardAt = Date.now();
        this.tell(true);
        take(JSON.parse(message.data));
      });
    }
  }

  private check(): void {
    if (document.hidden) return;
    const now = Date.now();
    const quiet = now - Math.max(this.heardAt, this.openedAt);
    // A stream that is being opened is not broken yet.
    const broken = this.source?.readyState !== EventSource.OPEN && this.heardAt > this.openedAt && quiet > checkMs;
    if (this.connected && (broken || quiet > (this.options.quietMs ?? 1_500))) this.tell(false);
    if (this.connected) return;
    const closed = this.source?.readyState === EventSource.CLOSED || this.heardAt > this.openedAt;
    if (closed || quiet > openMs) this.open();
  }

  private tell(connected: boolean): void {
    if (this.connected === connected) return;
    this.connected = connected;
    this.options.onState(connected);
  }
}
