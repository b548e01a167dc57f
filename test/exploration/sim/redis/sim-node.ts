import { EPOCH_MS } from '../kernel/sim-process.js';
import type { Random } from '../kernel/random.js';
import type { World } from '../kernel/world.js';
import { Keyspace } from './keyspace.js';
import type { Argument, ScriptModel } from './script-model.js';

/** The server's end of a connection. */
export interface Peer {
  readonly id: number;
  /** Sends a reply or a message; what was sent first arrives first. */
  send(message: Outbound): void;
  /** The server's end is gone. */
  cutByServer(): void;
}

export type Outbound =
  | { readonly kind: 'reply'; readonly value: unknown }
  | { readonly kind: 'message'; readonly channel: string; readonly text: string };

/** An error reply, as ioredis hands it to its caller. */
export function replyError(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}

/** The scripts a server can be taught: their source and what they do, by SHA1. */
export type ScriptBook = ReadonlyMap<
  string,
  { readonly name: string; readonly source: string; readonly model: ScriptModel }
>;

/** Where services with the simulation's prefix look for a node's marker. */
export const MARKER_KEY = 'redis_lock_marker:{lock:}';
const DAY_MS = 86_400_000;

/** One Redis server. It does one command after another, at the moment it arrives, unless it is stopped. */
export class SimNode {
  readonly keys: Keyspace;
  up = true;
  /** Whether the users of its clients have no permission for INFO. */
  infoDenied = false;
  /** When it last came back without its data, in µs. */
  forgotAt = -Infinity;
  private stalled = false;
  private waiting: (() => void)[] = [];
  private readonly peers = new Set<Peer>();
  private readonly channels = new Map<string, Set<Peer>>();
  private scripts = new Set<string>();
  private startedAt: number;
  private starts = 1;
  private readonly rate: number;
  private offsetMs: number;
  private readonly chance: Random;

  constructor(
    readonly world: World,
    readonly id: number,
    private readonly book: ScriptBook,
    environment: { readonly drift: number; readonly skewMs: number },
  ) {
    this.chance = world.random(`node ${id}`);
    this.rate = 1 + (this.chance.next() * 2 - 1) * environment.drift;
    this.offsetMs = (this.chance.next() * 2 - 1) * environment.skewMs;
    // It has run for a day.
    this.startedAt = -DAY_MS * 1_000;
    this.keys = new Keyspace(() => this.clockUs());
    const dayBefore = EPOCH_MS - DAY_MS;
    this.keys.hset(MARKER_KEY, `marker ${id}`, `${this.runId} ${dayBefore} ${dayBefore}`);
  }

  /** TIME, in µs. */
  clockUs(): number {
    return Math.floor((EPOCH_MS + this.offsetMs) * 1_000 + this.world.now * this.rate);
  }

  /** `false`: the server does not run. */
  accept(peer: Peer): boolean {
    if (!this.up) return false;
    this.peers.add(peer);
    return true;
  }

  /** The client's end is gone. */
  forget(peer: Peer): void {
    this.peers.delete(peer);
    for (const [channel, peers] of this.channels) {
      peers.delete(peer);
      if (peers.size === 0) this.channels.delete(channel);
    }
  }

  get subscriptions(): string[] {
    return [...this.channels.keys()];
  }

  get connections(): number {
    return this.peers.size;
  }

  /** A command has arrived. */
  receive(peer: Peer, command: readonly Argument[]): void {
    if (!this.up) return;
    const work = (): void => {
      let value: unknown;
      try {
        value = this.execute(peer, command);
      } catch (error) {
        value = replyError((error as Error).message);
      }
      if (this.world.traced) this.world.log(`n${this.id} ${show(command)} -> ${show([value])}`);
      if (this.peers.has(peer)) peer.send({ kind: 'reply', value });
    };
    if (this.stalled) this.waiting.push(work);
    else work();
  }

  /** Stops the process: connections stay open, nothing is answered. */
  stall(): void {
    this.stalled = true;
  }

  /** Lets it go on: all that has come meanwhile is done now. */
  unstall(): void {
    this.stalled = false;
    const waiting = this.waiting;
    this.waiting = [];
    for (const work of waiting) work();
  }

  crash(): void {
    this.up = false;
    this.waiting = [];
    this.scripts = new Set();
    this.channels.clear();
    const peers = [...this.peers];
    this.peers.clear();
    for (const peer of peers) peer.cutByServer();
  }

  /** All data is gone, without a restart. */
  flush(): void {
    this.keys.clear();
    this.forgotAt = this.world.now;
  }

  /** Sets the clock: this much ahead of the true time, in ms. */
  setClock(aheadMs: number): void {
    this.offsetMs = aheadMs;
  }

  /** Another server takes its place, empty, which has run for as long. */
  replace(): void {
    const { startedAt } = this;
    this.crash();
    this.restart(false);
    this.startedAt = startedAt;
  }

  /** @param keep whether its memory was on disk to the last write */
  restart(keep: boolean): void {
    if (!keep) {
      this.keys.clear();
      this.forgotAt = this.world.now;
    }
    this.up = true;
    this.startedAt = this.world.now;
    this.starts += 1;
  }

  flushScripts(): void {
    this.scripts = new Set();
  }

  private get runId(): string {
    return `${this.id}x${this.starts}`;
  }

  private execute(peer: Peer, command: readonly Argument[]): unknown {
    const [name, ...args] = command;
    switch (String(name)) {
      case 'evalsha': {
        const sha = String(args[0]);
        if (!this.scripts.has(sha)) throw new Error('NOSCRIPT No matching script. Please use EVAL.');
        return this.evaluate(sha, args);
      }
      case 'eval': {
        if (args[0] === 'return 1') return 1;
        if (String(args[0]).includes('run_id')) return this.runId;
        for (const [sha, { source }] of this.book) {
          if (source !== args[0]) continue;
          this.scripts.add(sha);
          return this.evaluate(sha, args);
        }
        throw new Error('ERR the simulation has no model of this script');
      }
      case 'subscribe': {
        // The server was stopped when the request came, and the connection is closed now.
        if (!this.peers.has(peer)) return 1;
        const channel = String(args[0]);
        const peers = this.channels.get(channel) ?? new Set();
        this.channels.set(channel, peers.add(peer));
        return 1;
      }
      case 'unsubscribe': {
        const channel = String(args[0]);
        const peers = this.channels.get(channel);
        peers?.delete(peer);
        if (peers?.size === 0) this.channels.delete(channel);
        return 0;
      }
      case 'info': {
        if (this.infoDenied) throw new Error("NOPERM this user has no permissions to run the 'info' command");
        const uptime = Math.floor((this.world.now - this.startedAt) / 1_000_000);
        return `redis_version:7.0.15\r\nrun_id:${this.runId}\r\nuptime_in_seconds:${uptime}\r\nloading:0\r\n`;
      }
      case 'del':
        return args.filter((key) => this.keys.del(String(key))).length;
      case 'time': {
        const us = this.clockUs();
        return [String(Math.floor(us / 1_000_000)), String(us % 1_000_000)];
      }
      case 'wait':
        return 0;
      case 'ping':
        return 'PONG';
      case 'quit':
        return 'OK';
      default:
        throw new Error(`ERR the simulation does not know the command '${String(name)}'`);
    }
  }

  private evaluate(sha: string, args: readonly Argument[]): unknown {
    const count = Number(args[1]);
    const keys = args.slice(2, 2 + count).map(String);
    return this.book.get(sha)!.model(keys, args.slice(2 + count), this.keys, (channel, text) => {
      const peers = this.channels.get(channel);
      if (peers !== undefined) for (const listener of peers) listener.send({ kind: 'message', channel, text });
      return peers?.size ?? 0;
    });
  }
}

function show(values: readonly unknown[]): string {
  return values.map((value) => (value instanceof Error ? value.message : JSON.stringify(value).slice(0, 60))).join(' ');
}
