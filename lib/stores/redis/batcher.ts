interface Pending<Request, Reply> {
  readonly request: Request;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

interface Batch<Request, Reply> {
  readonly timeoutMs: number;
  readonly pending: Pending<Request, Reply>[];
}

/** More than there are groups: with the time limit in ms, a group makes one number. */
const GROUPS = 16_384;

/**
 * Gathers what is asked in one turn of the event loop and sends it as one call for each group. Requests with another time
 * limit go in a call of their own, so that a short limit does not cut the others off.
 */
export class Batcher<Request, Reply> {
  private readonly batches = new Map<number, Batch<Request, Reply>>();
  private scheduled = false;

  /**
   * @param send sends one batch; its replies are in the order of the requests, an `Error` among them rejects that one
   * @param limit how many requests one call may hold
   */
  constructor(
    private readonly send: (requests: Request[], timeoutMs: number) => Promise<(Reply | Error)[]>,
    private readonly limit: number,
  ) {}

  /** @param group only requests of one group may share a call: a cluster's hash slot */
  add(request: Request, timeoutMs: number, group: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const pending = { request, resolve, reject };
      const key = timeoutMs * GROUPS + group;
      const batch = this.batches.get(key);
      if (batch === undefined) this.batches.set(key, { timeoutMs, pending: [pending] });
      else batch.pending.push(pending);
      if (this.scheduled) return;
      this.scheduled = true;
      // After all promise callbacks of this turn, before any input or timer: gathers the most and waits for nothing.
      process.nextTick(this.flush);
    });
  }

  private readonly flush = (): void => {
    this.scheduled = false;
    const batches = [...this.batches.values()];
    this.batches.clear();
    for (const { timeoutMs, pending } of batches) {
      for (let start = 0; start < pending.length; start += this.limit) {
        void this.deliver(pending.slice(start, start + this.limit), timeoutMs);
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
