import { RunningTimer } from '../../../time/running-timer.js';
import { ConnectionProbe, openBeside } from './connection-probe.js';
import type { RedisClient } from './redis-client.js';

/** The shortest silence after which a connection is tested, in ms. */
const MIN_SILENCE_MS = 2_000;
/** The largest timeout for the first reply on a new connection, in ms. */
const MAX_HANDSHAKE_MS = 8_000;

/** The connection that is watched. */
export interface SilentConnection {
  readonly client: RedisClient;
  /** Grows with each reply. */
  readonly answers: number;
  /** Whether a request on it is overdue. */
  readonly awaitsAnswer: boolean;
  giveUp(): void;
  /** Called when the server does not reply on a new connection either. */
  onUnanswered?(): void;
}

/**
 * Decides when a silent connection is replaced: only after the server has replied on a new connection. A server that is
 * stopped, or busy with a long script, would not reply on a new connection either, and its kernel keeps the requests
 * that were sent. A connection without a reply to its handshake is replaced without that test, each time after a longer
 * limit. Only time in which the event loop ran counts as silence.
 */
export class SilenceWatch {
  readonly limitMs: number;
  private handshakeMs: number;
  private timer: RunningTimer | null = null;
  private probe: ConnectionProbe | null = null;
  /** The value of `answers` when the silence began. */
  private answers = 0;

  constructor(
    private readonly connection: SilentConnection,
    commandTimeout: number,
  ) {
    this.limitMs = Math.max(MIN_SILENCE_MS, 2 * commandTimeout);
    this.handshakeMs = this.limitMs;
  }

  /** Called when a request is overdue, or a handshake takes long. `silentMs`: how long there has been no reply. */
  begin(silentMs: number): void {
    if (this.timer !== null || this.probe !== null) return;
    this.answers = this.connection.answers;
    const limitMs = this.connection.client.status === 'ready' ? this.limitMs : this.handshakeMs;
    this.timer = new RunningTimer(Math.max(1, limitMs - silentMs), this.onSilence);
  }

  /** Called when the connection has its first reply (`ready`), was closed, or is no longer used. */
  stop(ready = false): void {
    if (ready) this.handshakeMs = this.limitMs;
    this.timer?.stop();
    this.probe?.stop();
    this.timer = this.probe = null;
  }

  private readonly onSilence = (): void => {
    this.timer = null;
    const { connection } = this;
    if (!connection.awaitsAnswer) return;
    if (connection.answers !== this.answers) this.begin(0);
    else if (connection.client.status === 'ready') {
      this.probe = new ConnectionProbe(() => openBeside(connection.client), this.limitMs, this.onProbed);
    } else {
      this.handshakeMs = Math.min(2 * this.handshakeMs, MAX_HANDSHAKE_MS);
      connection.giveUp();
    }
  };

  private readonly onProbed = (answered: boolean): void => {
    this.probe = null;
    const { connection } = this;
    if (!connection.awaitsAnswer) return;
    const silent = connection.answers === this.answers;
    if (answered && silent) {
      connection.giveUp();
      return;
    }
    this.begin(silent ? this.limitMs / 2 : 0);
    if (silent) connection.onUnanswered?.();
  };
}
