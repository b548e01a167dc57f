/** What the supplier says of itself, at `GET /statistics`. */
export interface SupplierStatistics {
  /** Requests for offers that are under way now. */
  readonly running: number;
  /** The most that were under way at once since the supplier was started. */
  readonly most: number;
  readonly answered: number;
}
