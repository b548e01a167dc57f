/** How many callers of one service wait for a lock. */
export interface WaitLineLength {
  readonly name: string;
  readonly waiting: number;
}
