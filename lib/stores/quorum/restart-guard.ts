import { LockUnavailableError } from '../../errors/index.js';
import type { RedisClient } from '../redis/redis-client.js';
import { monotonic } from '../../time/clock.js';
import type { RoundTrips } from './round-trips.js';

/**
 * Keeps a node out of votes until every lock it may have forgotten has run out. A node that restarts without its data
 * would otherwise give its vote a second time, and two holders could have a majority each.
 *
 * On each new connection it asks how long the server has been up; until it knows, the node has no vote.
 *
 * Source: Redis documentation, "Distributed Locks with Redis", section on crash recovery (delayed restarts).
 */
export class RestartGuard {
  /** The server process behind the connection, as it names itself; `undefined` until it was asked. */
  runId: string | undefined;

  /** `performance.now()` from which on the node has a vote; `null`: not known. */
  private votesFrom: number | null = null;
  private problem: unknown;
  private connection = 0;

  /**
   * @param guardMs how long a server must have been up, in ms; 0: no guard
   * @param roundTrips notes how long the node took to reply on a new connection
   */
  constructor(
    private readonly client: RedisClient,
    private readonly guardMs: number,
    private readonly label: string,
    private readonly roundTrips: RoundTrips,
  ) {
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    if (client.status === 'ready') this.onReady();
  }

  /** Why the node has no vote now; `null` if it has one. */
  refusal(): LockUnavailableError | null {
    if (this.guardMs === 0) return null;
    const left = this.votesFrom === null ? undefined : Math.ceil(this.votesFrom - monotonic());
    if (left !== undefined && left <= 0) return null;
    const why =
      left === undefined
        ? `it has not said yet how long it has been up${this.problem === undefined ? '' : ` (${messageOf(this.problem)})`}`
        : `it was restarted and may have forgotten locks: it has a vote in ${String(left)} ms ("restartGuard")`;
    return new LockUnavailableError(`The node ${this.label} has no vote: ${why}.`, undefined, {
      cause: this.problem,
      retryable: true,
      outcomeUnknown: false,
    });
  }

  dispose(): void {
    this.client.off('ready', this.onReady);
    this.client.off('close', this.onClose);
    this.onClose();
  }

  private readonly onClose = (): void => {
    this.connection += 1;
    this.votesFrom = null;
  };

  private readonly onReady = (): void => {
    const { connection } = this;
    const askedAt = monotonic();
    this.client.call('info', 'server').then(
      (reply) => {
        this.roundTrips.note(monotonic() - askedAt);
        if (connection === this.connection) this.read(String(reply));
      },
      (error: unknown) => {
        this.problem = error;
      },
    );
  };

  private read(info: string): void {
    this.problem = undefined;
    this.runId = /^run_id:(\w+)/m.exec(info)?.[1];
    const seconds = /^uptime_in_seconds:(\d+)/m.exec(info)?.[1];
    // Whole seconds, rounded down: the node seems younger than it is, never older.
    if (seconds !== undefined) this.votesFrom = monotonic() + this.guardMs - Number(seconds) * 1_000;
  }
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
