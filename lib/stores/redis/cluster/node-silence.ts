import { isServerError } from '../connection/server-error.js';
import { SilenceWatch, type SilentConnection } from '../connection/silence-watch.js';
import type { ClusterNodeClient } from '../connection/cluster-client.js';

/**
 * Detects whether one connection of a cluster client is silent. It sends a PING, since it is unknown which requests
 * were sent on the connection.
 */
export class NodeSilence implements SilentConnection {
  answers = 0;
  /** Whether the last check got a reply neither on this connection nor on a new one. */
  silent = false;
  private pinging = false;
  private readonly silence: SilenceWatch;

  constructor(
    readonly client: ClusterNodeClient,
    commandTimeout: number,
    readonly giveUp: () => void,
    private readonly onSilent: () => void,
  ) {
    this.silence = new SilenceWatch(this, commandTimeout);
  }

  get awaitsAnswer(): boolean {
    return this.pinging;
  }

  /** @param silentMs how long the connection may have been silent until now */
  check(silentMs: number): void {
    if (this.pinging) return;
    this.pinging = true;
    void this.ping();
    this.silence.begin(Math.min(silentMs, this.silence.limitMs / 2));
  }

  onUnanswered(): void {
    this.silent = true;
    this.onSilent();
  }

  stop(): void {
    this.pinging = false;
    this.silence.stop();
  }

  /** Never rejects. */
  private async ping(): Promise<void> {
    try {
      await this.client.call('ping');
      this.onAnswered();
    } catch (error) {
      // A refusal is a reply, too.
      if (isServerError(error)) this.onAnswered();
      else this.stop();
    }
  }

  private onAnswered(): void {
    this.answers += 1;
    this.silent = false;
    this.stop();
  }
}
