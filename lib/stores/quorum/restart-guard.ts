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

/** Pauses between attempts to identify the server, in ms. */
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 5_000;
const LOOK_MS = 20;

export interface RestartGuardOptions {
  readonly client: RedisClient;
  readonly scripts: ScriptCaller;
  readonly keyPrefix: string;
  /** How long a node must have kept its state to have a vote, in ms; 0: no guard. */
  readonly guardMs: number;
  /** How long a request may take, in ms. */
  readonly timeoutMs: number;
  readonly name: ServerName;
  readonly names: ServerNames;
  /** Notes how long the node took to reply on a new connection. */
  readonly roundTrips: RoundTrips;
  /** The node has a vote now, or has none, or for another reason. It must not throw. */
  readonly onChange: () => void;
}

/** What is known of the server behind the connection. */
interface Identity {
  readonly runId: string | undefined;
  /** `monotonic()` from which on the server is known to have kept its state for long enough. */
  readonly votesFrom: number;
}

/** Why a node has no vote. */
type Refusal = Pick<StoreNode, 'readyInMs'> & { readonly state: 'waiting' | 'refused'; readonly reason: string };

/**
 * Keeps a node out of votes until every lock that it may have forgotten has expired. A node that restarts without its
 * data, is emptied, or is replaced by another server would otherwise give its vote a second time, and two holders could
 * have a majority each.
 *
 * The proof that a node kept its state is a marker on the node itself: a key with a random id that never expires. The
 * first service that meets the node writes it, and the node has a vote once the marker is older than every lease:
 *
 * - The marker names the server process. After a restart, or a failover behind the name, another process answers, which
 *   may lack the last writes although it has the marker: then a new marker is written.
 * - Each request for a vote names the id, and the node rejects the request if it does not have that marker. So state that
 *   is lost under an open connection (FLUSHALL) is noticed in the same step in which a vote would be given.
 * - No clock that can be set is trusted alone. The marker contains the time by the server's clock and by the clock of the
 *   client that wrote it, and its age is the smaller of both: one clock that is set forward does not make it older. If a
 *   clock is set back, the marker seems younger, and the node has no vote for one more guard period at most. A service
 *   that has known the marker for the whole period by its own monotonic clock trusts it whatever the other clocks show.
 *
 * A service also looks for the marker twice in each guard period: a loss is noticed before a caller has to wait for it.
 *
 * It does not notice locks that are deleted one by one, evicted, or ended early by a server clock that is set forward.
 *
 * Until the server behind a new connection is identified, the node has no vote, since another name may vote for the same
 * server. An attempt that fails is repeated.
 */
export class RestartGuard {
  /** What the node must still have when it gives its vote. */
  marker: Marker;
  /** `undefined` until the server behind the present connection is identified. */
  private identity: Identity | undefined;
  private problem: LockError | undefined;
  private rival: ServerName | null = null;
  private readonly age = new MarkerAge();
  /** Counts what makes the present knowledge void: a new connection, and a marker that is missing. */
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

  /** The other name of this server, which has its vote. */
  get doubled(): ServerName | undefined {
    return this.identity === undefined ? undefined : (this.findRival() ?? undefined);
  }

  /** Why the last attempt to identify the server failed. */
  get failure(): LockError | undefined {
    return this.problem;
  }

  /**
   * Resolves when the server is identified, though it may have no vote yet.
   *
   * @throws LockError if it cannot be identified, or is not until `monotonic()` is `end`
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

  /** The same for `stats()`. */
  report(): Refusal | null {
    return this.hasVote() ? null : this.explain();
  }

  /** The node does not have its marker any more. */
  onLost(): void {
    // Several votes that were asked for together are rejected together.
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
    const why = 'after a first contact, a restart, a flush or a replacement it may have forgotten locks';
    return { state: 'waiting', reason: `${why}: it has a vote in ${String(readyInMs)} ms ("restartGuard")`, readyInMs };
  }

  /** The other name may lead to another server by now. */
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
