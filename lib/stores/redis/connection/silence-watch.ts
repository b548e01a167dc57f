import { RunningTimer } from '../../../time/running-timer.js';
import { ConnectionProbe, openBeside } from './connection-probe.js';
import type { RedisClient } from './redis-client.js';

/** How long a connection may be silent at least before anything is done about it, in ms. */
const MIN_SILENCE_MS = 2_000;
/** How long a new connection may take at most until its first answer, in ms. */
const MAX_HANDSHAKE_MS = 8_000;

/** The connection that is watched. */
export interface SilentConnection {
  readonly client: RedisClient;
  /** Grows with each answer. */
  readonly answers: number;
  /** Whether something is overdue on it. */
  readonly awaitsAnswer: boolean;
  giveUp(): void;
  /** A new connection was not answered either. */
  onUnanswered?(): void;
}

/**
 * Decides when a connection without answers is given up. A server that is stopped or busy with a long script would not
 * answer a new connection either, and its kernel keeps what was sent; so a silent connection is replaced only once a new
 * one is answered. Only time in which the event loop ran counts as silence.
 */
export class SilenceWatch {
  readonly limitMs: number;
  private handshakeMs: number;
  private timer: RunningTimer | null = null;
  private probe: ConnectionProbe | null = null;
  /** How many answers there had been when the silence began. */
  private answers = 0;

  constructor(
    private readonly connection: SilentConnection,
    commandTimeout: number,
  ) {
    this.limitMs = Math.max(MIN_SILENCE_MS, 2 * commandTimeout);
    this.handshakeMs = this.limitMs;
  }

  /** Something is overdue. @param silentMs how long nothing was heard until now */
  begin(silentMs: number): void {
    if (this.timer !== null || this.probe !== null) return;
    this.answers = this.connection.answers;
    const limitMs = this.connection.client.status === 'ready' ? this.limitMs : this.handshakeMs;
    this.timer = new RunningTimer(Math.max(1, limitMs - silentMs), this.onSilence);
  }

  /** The connection has answered its first request, was closed or is not used any more. */
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
