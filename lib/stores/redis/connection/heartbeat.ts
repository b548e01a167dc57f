import { Timer } from '../../../time/timer.js';
import type { RedisClient } from './redis-client.js';
import { isServerError } from './server-error.js';

/** A subscribed connection is replaced after at least this much silence, in ms. */
const MIN_SILENCE_MS = 2_000;
/** The time without any data after which a connection is replaced, in ticks. A PING is sent after half of it. */
const LIMIT_TICKS = 4;
const PING_TICKS = LIMIT_TICKS / 2;

/**
 * Checks connections that only receive. If their peer disappears without a FIN, nothing would show it, since no request
 * is sent that could fail.
 *
 * Silence is counted in ticks, not in ms. After a stall of the event loop or of the whole process only one tick is due,
 * and the data in the socket is read before the next one, so a local stall is never mistaken for a silent server.
 */
export class Heartbeat {
  private readonly pulses = new Set<Pulse>();
  private readonly tickMs: number;
  private readonly timer = new Timer(() => {
    this.onTick();
  }, false);

  /** @param commandTimeout how long one request may take, in ms */
  constructor(commandTimeout: number) {
    this.tickMs = Math.max(MIN_SILENCE_MS, 2 * commandTimeout) / LIMIT_TICKS;
  }

  /** Checks a connection for as long as it is in use. */
  add(pulse: Pulse): void {
    this.pulses.add(pulse);
    if (!this.timer.running) this.timer.start(this.tickMs);
  }

  remove(pulse: Pulse): void {
    this.pulses.delete(pulse);
    if (this.pulses.size === 0) this.timer.stop();
  }

  private onTick(): void {
    for (const pulse of [...this.pulses]) if (!pulse.tick()) this.remove(pulse);
    if (this.pulses.size > 0) this.timer.start(this.tickMs);
  }
}

/** How long one connection has been silent. */
export class Pulse {
  private silentTicks = 0;
  private unanswered = 0;

  /**
   * @param inUse whether the connection has, or may have, subscriptions
   * @param replace closes the connection, which reconnects
   */
  constructor(
    private readonly client: RedisClient,
    private readonly inUse: () => boolean,
    private readonly replace: () => void,
  ) {}

  /** Called when data arrives or the connection is new. */
  readonly heard = (): void => {
    this.silentTicks = 0;
  };

  /**
   * The connection counts as in use until this request is answered: without a reply, the server may not have executed
   * it.
   */
  awaitAnswer(request: Promise<unknown>): void {
    this.unanswered += 1;
    const settle = (): void => {
      this.unanswered -= 1;
    };
    request.then(settle, settle);
  }

  /** Counts one tick of silence. Returns `false` if the connection is no longer in use. */
  tick(): boolean {
    if (this.unanswered === 0 && !this.inUse()) return false;
    const { status } = this.client;
    // ioredis limits the time to connect, but not the time of a handshake.
    if (status !== 'ready' && status !== 'connect') {
      this.silentTicks = 0;
      return true;
    }
    this.silentTicks += 1;
    if (this.silentTicks >= LIMIT_TICKS) {
      this.silentTicks = 0;
      this.replace();
    } else if (this.silentTicks === PING_TICKS && status === 'ready') void this.ping();
    return true;
  }

  /** Never rejects. */
  private async ping(): Promise<void> {
    try {
      await this.client.call('ping');
      this.heard();
    } catch (error) {
      // A refusal is a reply, too.
      if (isServerError(error)) this.heard();
    }
  }
}
