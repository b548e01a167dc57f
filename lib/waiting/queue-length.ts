/** How many callers of one service wait for a lock. */
export interface QueueLength {
  readonly name: string;
  readonly waiting: number;
}
