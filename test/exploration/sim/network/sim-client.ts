import { EventEmitter } from 'node:events';
import type { SimTimer } from '../kernel/sim-process.js';
import type { Argument } from '../redis/script-model.js';
import type { Outbound } from '../redis/sim-node.js';
import type { ConnectionEnd, Link, SimConnection } from './link.js';

type Listener = (...args: unknown[]) => void;

interface Pending {
  readonly command: readonly Argument[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface ClientKind {
  /** Sends requests that were not answered again after a reconnection, as ioredis does unless it is told otherwise. */
  readonly resends: boolean;
  /** Keeps requests that come while it is not connected, to send them later. */
  readonly parks: boolean;
  readonly notices: boolean;
}

/** The library's own client for commands. */
export const OWN_CLIENT: ClientKind = { resends: false, parks: true, notices: false };
/** The library's own client for one of several nodes. */
export const NODE_CLIENT: ClientKind = { resends: false, parks: false, notices: false };
/** A caller's client, with ioredis's defaults. */
export const CALLERS_CLIENT: ClientKind = { resends: true, parks: true, notices: false };
/** The library's own connection for notices. */
export const SUBSCRIBER: ClientKind = { resends: false, parks: false, notices: true };

const MAX_RECONNECT_DELAY_MS = 1_000;
/** While packets are dropped a connection attempt hangs; it is looked at again after this long, in µs. */
const HANG_US = 20_000;

const CLOSE_US = 300;

/** What the library needs of an ioredis client, on a simulated link, with ioredis's ways of losing a connection. */
export class SimClient implements ConnectionEnd {
  status = 'connecting';
  /** What the library looks at below an ioredis client. */
  readonly stream = Object.assign(new EventEmitter(), { readableEnded: false });
  private readonly listeners = new Map<string, Set<Listener>>();
  private connection: SimConnection | null = null;
  private inFlight: Pending[] = [];
  private parked: Pending[] = [];
  private attempts = 0;
  private retry: SimTimer | null = null;
  /** Tells the steps of an attempt that was given up from those of the present one. */
  private epoch = 0;

  constructor(
    private readonly link: Link,
    private readonly kind: ClientKind,
  ) {
    this.stream.setMaxListeners(0);
    this.open();
  }

  /** Whether the library opened it. */
  get ours(): boolean {
    return !this.kind.resends;
  }

  /** How many listeners are left, those for errors aside: an own client keeps that one to the end. */
  get listenerCount(): number {
    let count = 0;
    for (const [event, set] of this.listeners) if (event !== 'error') count += set.size;
    return count;
  }

  call(command: string, ...args: Argument[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const pending: Pending = { command: [command, ...args], resolve, reject };
      if (this.status === 'ready') this.dispatch(pending);
      else if (this.status === 'end') reject(new Error('Connection is closed.'));
      else if (this.kind.parks) this.parked.push(pending);
      else reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"));
    });
  }

  connect(): Promise<unknown> {
    return Promise.reject(new Error('Redis is already connecting/connected'));
  }

  /** @param reconnect whether only this connection is given up */
  disconnect(reconnect = false): void {
    if (this.status === 'end') return;
    if (reconnect) {
      this.giveUpConnection();
      return;
    }
    this.link.process.clearTimeout(this.retry);
    this.epoch += 1;
    this.connection?.closeByClient();
    this.connection = null;
    this.status = 'end';
    const pending = [...this.inFlight, ...this.parked];
    this.inFlight = [];
    this.parked = [];
    for (const { reject } of pending) reject(new Error('Connection is closed.'));
    this.emit('close');
    this.emit('end');
  }

  on(event: string, listener: Listener): this {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
    return this;
  }

  off(event: string, listener: Listener): this {
    this.listeners.get(event)?.delete(listener);
    return this;
  }

  duplicate(): SimClient {
    return new SimClient(this.link, SUBSCRIBER);
  }

  onOutbound(message: Outbound): void {
    if (message.kind === 'message') {
      this.emit('message', message.channel, message.text);
      return;
    }
    const pending = this.inFlight.shift();
    if (message.value instanceof Error) pending?.reject(message.value);
    else pending?.resolve(message.value);
  }

  onClosed(byPeer: boolean): void {
    if (this.status === 'end') return;
    this.stream.readableEnded = byPeer;
    this.connection = null;
    if (this.kind.resends) this.parked.unshift(...this.inFlight.filter(({ command }) => command[0] !== 'info'));
    // Without resending ioredis forgets what was in flight: those promises stay open for ever.
    this.inFlight = [];
    this.reconnect();
    this.emit('close');
  }

  /** ioredis closes its end, and goes on when that is done. */
  private giveUpConnection(): void {
    const { connection } = this;
    if (connection === null) return;
    connection.closeByClient();
    const { world, process } = this.link;
    world.after(CLOSE_US, () => {
      process.deliver('message', () => {
        if (this.connection === connection) this.onClosed(false);
      });
    });
  }

  private open(): void {
    this.status = 'connecting';
    const epoch = (this.epoch += 1);
    const { world, process } = this.link;
    const arrive = (): void => {
      if (epoch !== this.epoch || !process.alive) return;
      const { requests, replies } = this.link.held;
      if (requests || replies) {
        world.after(HANG_US, arrive);
        return;
      }
      const connection = this.link.open(this, this.kind.notices);
      world.after(this.link.delay(), () => {
        process.deliver('message', () => {
          if (epoch !== this.epoch) {
            connection?.closeByClient();
            return;
          }
          if (connection === null) this.onRefused();
          else this.onConnected(connection);
        });
      });
    };
    world.after(this.link.delay(), arrive);
  }

  private onRefused(): void {
    this.reconnect();
    this.emit('error', new Error('connect ECONNREFUSED'));
    this.emit('close');
  }

  private onConnected(connection: SimConnection): void {
    this.connection = connection;
    this.status = 'connect';
    this.emit('connect');
    // As ioredis does: it is ready once INFO says that the server is not loading, or is denied.
    const onInfo = (): void => {
      if (this.connection !== connection) return;
      this.status = 'ready';
      this.attempts = 0;
      const parked = this.parked;
      this.parked = [];
      for (const pending of parked) this.dispatch(pending);
      this.emit('ready');
    };
    this.send({ command: ['info'], resolve: onInfo, reject: onInfo });
  }

  private reconnect(): void {
    this.status = 'reconnecting';
    this.attempts += 1;
    this.epoch += 1;
    const delay = Math.min(this.attempts * 50, MAX_RECONNECT_DELAY_MS);
    this.retry = this.link.process.setTimeout(() => {
      this.retry = null;
      this.open();
    }, delay);
  }

  private dispatch(pending: Pending): void {
    this.send(pending);
  }

  private send(pending: Pending): void {
    this.inFlight.push(pending);
    this.connection?.request(pending.command);
  }

  private emit(event: string, ...args: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...args);
  }
}
