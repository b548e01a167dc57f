import { ChildScript, type ChildMessage } from '../../support/child-script.js';
import type { RedisServer } from '../../support/redis-node.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitUntil } from '../../support/wait-until.js';

export interface Replica {
  readonly child: ChildScript;
  /** Its own way to Redis. */
  readonly proxy: TcpProxy;
}

/** One term, as its process told of it. Times in ms. */
export interface Term {
  readonly replica: Replica;
  readonly token: number;
  readonly electedAt: number;
  /** When its signal aborted, and when its code ended; `undefined` if the process died before. */
  readonly abortedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Whether its leader resigned; else its lock was lost. */
  readonly resigned: boolean;
  readonly counts: Readonly<Record<string, number>>;
}

const LIMIT_MS = 120_000;

/** The processes of the experiment. */
export class Replicas {
  private readonly all: Replica[] = [];
  private running: Replica[] = [];
  private readonly leaving: Promise<unknown>[] = [];

  constructor(
    private readonly server: RedisServer,
    private readonly order: object,
  ) {}

  /** The machine's monotonic clock, in ms. */
  now(): number {
    return Number(process.hrtime.bigint() / 1_000n) / 1_000;
  }

  async start(): Promise<void> {
    const proxy = await TcpProxy.start(this.server.url);
    const order = JSON.stringify({ ...this.order, url: proxy.url });
    const child = ChildScript.start('exploration/leaders/replica.mjs', [order]);
    const replica = { child, proxy };
    this.all.push(replica);
    this.running.push(replica);
    await child.next('ready');
  }

  /** Sends the signal; resolves when the process has ended. */
  async remove(replica: Replica, signal: NodeJS.Signals): Promise<void> {
    this.running = this.running.filter((each) => each !== replica);
    const gone = replica.child.kill(signal);
    this.leaving.push(gone);
    await gone;
    await replica.proxy.close();
  }

  terms(): Term[] {
    const terms = this.all.flatMap((replica) => {
      const of = (type: string): ChildMessage[] => replica.child.messages.filter((each) => each.type === type);
      return of('elected').map(({ token, at }): Term => {
        const aborted = of('aborted').find((each) => each.token === token);
        const ended = of('ended').find((each) => each.token === token);
        return {
          replica,
          token: Number(token),
          electedAt: Number(at),
          abortedAt: aborted === undefined ? undefined : Number(aborted.at),
          endedAt: ended === undefined ? undefined : Number(ended.at),
          resigned: aborted?.code === 'LOCK_SHUTDOWN',
          counts: (ended ?? {}) as unknown as Record<string, number>,
        };
      });
    });
    return terms.sort((a, b) => a.electedAt - b.electedAt);
  }

  /** Waits until a process leads, with a larger token than `after`. */
  async untilLeader(after: number): Promise<Term> {
    const leader = (): Term | undefined => {
      const last = this.terms().at(-1);
      return last !== undefined && last.token > after && last.abortedAt === undefined ? last : undefined;
    };
    return (await waitUntil('there is a leader', leader, LIMIT_MS))!;
  }

  defects(): string[] {
    return this.all.flatMap(({ child }) =>
      child.messages.filter(({ type }) => type === 'defect').map(({ error }) => String(error)),
    );
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.running.map((replica) => this.remove(replica, 'SIGTERM')));
    await Promise.all(this.leaving);
  }

  async kill(): Promise<void> {
    await Promise.all(this.all.map(({ child, proxy }) => Promise.all([child.kill(), proxy.close()])));
  }
}
