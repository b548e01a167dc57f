import { randomUUID } from 'node:crypto';
import { inServiceContext } from '../../context/service-context.js';
import { LockUnavailableError, type LockError } from '../../errors/index.js';
import { monotonic, wall } from '../../time/clock.js';
import { sleep, Timer } from '../../time/timer.js';
import type { StoreNode } from '../lock-state.js';
import type { RedisClient } from '../redis/connection/redis-client.js';
import type { ScriptCaller } from '../redis/scripts/script-caller.js';
import { MARK_SCRIPT, MarkerAge, markerKey, type Marker } from './marker.js';
import { isFinal, reasonOf } from './node-fault.js';
import type { RoundTrips } from './round-trips.js';
import { runIdOf } from './server-info.js';
import type { ServerName, ServerNames } from './server-names.js';

/** The pauses between attempts to identify the server, in ms. */
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 5_000;
const LOOK_MS = 20;

export interface RestartGuardOptions {
  readonly client: RedisClient;
  readonly scripts: ScriptCaller;
  readonly keyPrefix: string;
  /** How long a node must have kept its state to vote, in ms; 0: no guard. */
  readonly guardMs: number;
  /** How long a request may take, in ms. */
  readonly timeoutMs: number;
  readonly name: ServerName;
  readonly names: ServerNames;
  /** Records how long the node took to reply on a new connection. */
  readonly roundTrips: RoundTrips;
  /** Runs when the node's vote, or the reason why it has none, may have changed. It must not throw. */
  readonly onChange: () => void;
}

/** The identity of the server at the other end of the connection. */
interface Identity {
  readonly runId: string | undefined;
  /** From when on the server is known to have kept its state for long enough, on the monotonic clock. */
  readonly votesFrom: number;
}

/** Why a node has no vote. */
type Refusal = Pick<StoreNode, 'readyInMs'> & { readonly state: 'waiting' | 'refused'; readonly reason: string };

/**
 * Prevents a node from voting until every lock that it may have lost has expired. A node that restarts without its
 * data, is flushed, or is replaced by another server would otherwise grant its vote a second time, and two holders
 * could each have a majority.
 *
 * A marker on the node itself proves that the node kept its state: a key with a random id that never expires. The first
 * service that connects to the node writes it, and the node votes once the marker is older than every lease:
 *
 * - The marker contains the run id of the server process. After a restart, or a failover behind the same address,
 *   another process replies, which may lack the last writes although it has the marker: then a new marker is written.
 * - Each request for a vote contains the marker's id, and the node rejects the request if it does not have this marker.
 *   So a loss of state while the connection is open (FLUSHALL) is detected in the step that would grant the vote.
 * - No adjustable clock is trusted alone. The marker contains the time of the server's clock and that of the client
 *   that wrote it, and the smaller age counts: setting one clock forward does not make the marker older. If a clock is
 *   set back, the marker appears younger, and the node does not vote for at most one more guard period. A service that
 *   has known the marker for the whole period, by its own monotonic clock, trusts it regardless of the other clocks.
 *
 * A service also checks the marker twice in each guard period, so that a loss is detected even without requests.
 *
 * The guard does not detect locks that are deleted one by one, evicted, or expire early because the server's clock is
 * set forward.
 *
 * Until the server of a new connection is identified, the node does not vote, since another configured name may already
 * vote for the same server. A failed attempt to identify it is repeated.
 */
export class RestartGuard {
  /** The marker that the node must have when it grants its vote. */
  marker: Marker;
  /** `undefined` until the server of the current connection is identified. */
  private identity: Identity | undefined;
  private problem: LockError | undefined;
  private rival: ServerName | null = null;
  private readonly age = new MarkerAge();
  /** Incremented when the identity becomes invalid: by a closed or a new connection, and by a missing marker. */
  private round = 0;
  private pause = FIRST_RETRY_MS;
  private disposed = false;
  private readonly retry = new Timer(() => {
    this.identify();
  }, false);

  constructor(private readonly options: RestartGuardOptions) {
    const { client, keyPrefix, guardMs } = options;
    this.marker = { key: guardMs === 0 ? '' : markerKey(keyPrefix), id: '' };
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    if (client.status === 'ready') this.identify();
  }

  /** The other configured name of this server that has the server's vote. */
  get doubled(): ServerName | undefined {
    return this.identity === undefined ? undefined : (this.findRival() ?? undefined);
  }

  /** Why the last attempt to identify the server failed. */
  get failure(): LockError | undefined {
    return this.problem;
  }

  /**
   * Resolves when the server is identified, even if it may not vote yet.
   *
   * @throws LockError if it cannot be identified, or not before `end`, on the monotonic clock
   */
  async whenIdentified(end: number): Promise<void> {
    while (this.identity === undefined) {
      const { problem } = this;
      if (problem !== undefined && isFinal(problem)) throw problem;
      const refusal = monotonic() >= end || this.disposed ? this.refusal() : null;
      if (refusal !== null) throw refusal;
      await sleep(LOOK_MS);
    }
  }

  /** Why the node has no vote now; `null` if it has one. */
  refusal(): LockUnavailableError | null {
    if (this.hasVote()) return null;
    const { reason } = this.explain();
    return new LockUnavailableError(`The node ${this.options.name.label} has no vote: ${reason}.`, undefined, {
      cause: this.problem,
      retryable: !isFinal(this.problem),
      outcomeUnknown: false,
    });
  }

  /** The same as data for `stats()`. */
  report(): Refusal | null {
    return this.hasVote() ? null : this.explain();
  }

  /** Called when the node no longer has its marker. */
  onLost(): void {
    // Several votes that were requested together are rejected together.
    if (this.identity === undefined) return;
    this.forget();
    inServiceContext(() => {
      this.identify();
    });
    this.options.onChange();
  }

  dispose(): void {
    this.disposed = true;
    this.options.client.off('ready', this.onReady);
    this.options.client.off('close', this.onClose);
    this.forget();
  }

  private hasVote(): boolean {
    const { identity } = this;
    return identity !== undefined && identity.votesFrom <= monotonic() && this.findRival() === null;
  }

  private explain(): Refusal {
    const { identity, problem } = this;
    if (identity === undefined) {
      if (problem === undefined) return { state: 'waiting', reason: 'its server is not identified yet' };
      return { state: isFinal(problem) ? 'refused' : 'waiting', reason: reasonOf(problem) };
    }
    if (this.rival !== null) {
      return { state: 'refused', reason: `it is the same Redis server as ${this.rival.label}, which has its vote` };
    }
    const readyInMs = Math.max(0, Math.ceil(identity.votesFrom - monotonic()));
    const why = 'after a first contact, a restart, a flush or a replacement it may have lost locks';
    return { state: 'waiting', reason: `${why}: it has a vote in ${String(readyInMs)} ms ("restartGuard")`, readyInMs };
  }

  /** Claims the vote again, since the other name may refer to another server by now. */
  private findRival(): ServerName | null {
    if (this.rival !== null) this.claim(this.identity?.runId);
    return this.rival;
  }

  private claim(runId: string | undefined): void {
    const { name, names } = this.options;
    this.rival = runId === undefined ? null : names.claim(name, runId);
  }

  private readonly onClose = (): void => {
    this.forget();
    this.options.onChange();
  };

  private readonly onReady = (): void => {
    this.forget();
    this.identify();
  };

  private forget(): void {
    this.round += 1;
    this.identity = undefined;
    this.problem = undefined;
    this.rival = null;
    this.marker = { ...this.marker, id: '' };
    this.pause = FIRST_RETRY_MS;
    this.retry.stop();
  }

  private identify(): void {
    if (this.options.client.status !== 'ready') return;
    const { round } = this;
    this.ask(round).then(
      () => {
        if (round === this.round) this.onIdentified();
      },
      (error: unknown) => {
        if (round === this.round) this.onFailure(error as LockError);
      },
    );
  }

  private onIdentified(): void {
    const { guardMs, onChange } = this.options;
    this.pause = FIRST_RETRY_MS;
    if (guardMs > 0) this.retry.start(guardMs / 2);
    onChange();
  }

  private onFailure(error: LockError): void {
    if (this.identity === undefined) this.problem = error;
    this.retry.start(this.pause);
    this.pause = Math.min(2 * this.pause, MAX_RETRY_MS);
    this.options.onChange();
  }

  private async ask(round: number): Promise<void> {
    const { client, scripts, guardMs, timeoutMs, roundTrips } = this.options;
    const askedAt = monotonic();
    const info = String(await scripts.ask(() => client.call('info'), timeoutMs));
    roundTrips.note(monotonic() - askedAt);
    const runId = runIdOf(info, guardMs > 0);
    let votesFrom = -Infinity;
    if (guardMs > 0) {
      const args = [String(runId), randomUUID(), Math.floor(wall())];
      const reply = await scripts.call(MARK_SCRIPT, [this.marker.key], args, timeoutMs);
      if (round !== this.round) return;
      const age = this.age.onReply(reply, guardMs);
      this.marker = { ...this.marker, id: age.id };
      votesFrom = age.votesFrom;
    }
    if (round !== this.round) return;
    this.problem = undefined;
    this.identity = { runId, votesFrom };
    this.claim(runId);
  }
}
