interface Pending<Request, Reply> {
  readonly request: Request;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what is asked in one turn of the event loop and sends it as one call. Requests with another time limit go in
 * a call of their own, so that a short limit does not cut the others off.
 */
export class Batcher<Request, Reply> {
  private readonly pending = new Map<number, Pending<Request, Reply>[]>();
  private scheduled = false;

  /**
   * @param send sends one batch; its replies are in the order of the requests, an `Error` among them rejects that one
   * @param limit how many requests one call may hold
   */
  constructor(
    private readonly send: (requests: Request[], timeoutMs: number) => Promise<(Reply | Error)[]>,
    private readonly limit: number,
  ) {}

  add(request: Request, timeoutMs: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const pending = { request, resolve, reject };
      const batch = this.pending.get(timeoutMs);
      if (batch === undefined) this.pending.set(timeoutMs, [pending]);
      else batch.push(pending);
      if (this.scheduled) return;
      this.scheduled = true;
      // After all promise callbacks of this turn, before any input or timer: gathers the most and waits for nothing.
      process.nextTick(this.flush);
    });
  }

  private readonly flush = (): void => {
    this.scheduled = false;
    const batches = [...this.pending];
    this.pending.clear();
    for (const [timeoutMs, batch] of batches) {
      for (let start = 0; start < batch.length; start += this.limit) {
        void this.deliver(batch.slice(start, start + this.limit), timeoutMs);
      }
    }
  };

  private async deliver(batch: Pending<Request, Reply>[], timeoutMs: number): Promise<void> {
    try {
      const requests = batch.map(({ request }) => request);
      const replies = await this.send(requests, timeoutMs);
      batch.forEach(({ resolve, reject }, index) => {
        const reply = replies[index];
        if (reply === undefined || reply instanceof Error) reject(reply ?? new Error('no reply for this request'));
        else resolve(reply);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
