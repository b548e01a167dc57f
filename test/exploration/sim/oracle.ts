import type { SimProcess } from './kernel/sim-process.js';
import type { World } from './kernel/world.js';
import type { Hold, Lease } from './library/types.js';
import { EXCLUSIVE, type LockView } from './lock-view.js';
import type { Keyspace } from './redis/keyspace.js';

/** A critical section that has begun and not ended. */
export interface Section {
  readonly caller: string;
  readonly process: SimProcess;
  readonly name: string;
  readonly lease: Lease;
  readonly hold: Hold;
  readonly token: number;
  /** When the caller asked for it, in µs. */
  readonly began: number;
  /** The lease's, taken when the section began: asking a lease for it makes it look at the clock. */
  readonly signal: AbortSignal;
  /** When the request was sent by which a server last confirmed the lease, in µs. */
  confirmedAt: number;
}

/** Where locks are kept, as far as the checks look at it. */
export interface LockServer {
  readonly id: number;
  readonly up: boolean;
  /** When it last came back without its data, in µs. */
  readonly forgotAt: number;
  readonly keys: Pick<Keyspace, 'pttl' | 'get' | 'hexists' | 'hgetall' | 'lrange' | 'keys' | 'scores'>;
  /** The channels that have subscribers. */
  readonly subscriptions: readonly string[];
}

/** How late a signal may come after the lease's end where the machine slept: the library looks at both clocks each second. */
const SLEEP_CHECK_US = 1_050_000;
/** Delays of timers are whole ms, so a timer may fire this much later than it is late, in ms. */
const ROUNDING_MS = 1;
/** What waits in a process that goes on has this long to run, in µs. */
const RESUME_US = 10_000;

/**
 * Knows everything, at every moment, and so holds the library to its word: who is inside, by which lease, and what the
 * guarded resources have seen. Nothing it does is noticed by the code under test.
 */
export class Oracle {
  readonly violations: string[] = [];
  readonly counts = { sections: 0, overlapsAfterLoss: 0, staleRefused: 0, lost: 0, writes: 0 };
  private readonly inside = new Map<string, Set<Section>>();
  private readonly tokens = new Map<string, { seen: Set<number>; highest: number }>();
  private readonly resources = new Map<string, number>();
  private readonly reported = new Set<string>();
  /** When locks were last lost by a server, in µs. */
  stateLostAt = -Infinity;
  /** How often that was. */
  losses = 0;
  /** Whether a failover has brought locks back that had been given up. */
  broughtBack = false;
  /** Called when a section begins. */
  onEnter: (section: Section) => void = () => undefined;
  /** Until when waiters may believe in a lease that was longer before, in µs. */
  private readonly shortenedUntil = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly nodes: readonly LockServer[],
    private readonly view: LockView = EXCLUSIVE,
    /** How many may be inside at a time; each section counts for the permits that it took. */
    private readonly permits = 1,
  ) {}

  violate(what: string): void {
    if (this.reported.has(what)) return;
    this.reported.add(what);
    this.violations.push(`at ${(this.world.now / 1_000).toFixed(3)} ms: ${what}`);
    this.world.log(`VIOLATION ${what}`);
  }

  /** From now on, locks granted before are not promised to hold others off. */
  stateLost(): void {
    this.stateLostAt = this.world.now;
    this.losses += 1;
  }

  /** A holder made its lease shorter. Nobody tells those who wait: they look again when the longer one is over. */
  shortened(name: string, leftMs: number): void {
    const until = this.world.now + leftMs * 1_010;
    this.shortenedUntil.set(name, Math.max(until, this.shortenedUntil.get(name) ?? 0));
  }

  /** Whether waiters know, or could know, how long the lock is held. */
  isAnnounced(name: string): boolean {
    return this.world.now > (this.shortenedUntil.get(name) ?? 0);
  }

  /** Whether a caller still relies on a lock that a server has lost. Others of its process wait until it ends. */
  isLost(name: string): boolean {
    return [...(this.inside.get(name) ?? [])].some((section) => isValid(section) && !this.isProtected(section));
  }

  enter(section: Section): void {
    const { name, token, caller } = section;
    this.counts.sections += 1;
    note(section);
    this.onEnter(section);
    if (section.hold.remaining() <= 0) this.violate(`${caller} was given "${name}" when its lease was over already`);
    const inside = this.inside.get(name) ?? new Set();
    this.inside.set(name, inside.add(section));
    const tokens = this.tokens.get(name) ?? { seen: new Set(), highest: 0 };
    this.tokens.set(name, tokens);
    if (this.world.traced) this.world.log(`${caller} enters ${name} with ${token}`);
    // A caller that reads has the token of the last one that wrote.
    if (!reads(section) && tokens.seen.has(token))
      this.violate(`token ${token} of "${name}" was issued twice, now to ${caller}`);
    // An acquisition that was answered after the state was lost may be told of after later ones were.
    else if (this.permits === 1 && token < tokens.highest && this.hasLastToken(section)) {
      this.violate(`token ${token} of "${name}" went to ${caller} after ${tokens.highest} had been issued`);
    }
    tokens.seen.add(token);
    tokens.highest = Math.max(tokens.highest, token);
  }

  leave(section: Section): void {
    if (this.world.traced) this.world.log(`${section.caller} leaves ${section.name}`);
    this.inside.get(section.name)?.delete(section);
  }

  /** The resource: takes no token smaller than the largest it has seen. */
  write(section: Section): void {
    const { name, token, caller } = section;
    const highest = this.resources.get(name) ?? 0;
    this.counts.writes += 1;
    if (token >= highest || this.permits > 1) {
      this.resources.set(name, Math.max(highest, token));
      return;
    }
    this.counts.staleRefused += 1;
    const inside = this.inside.get(name)?.has(section) ?? false;
    if (inside && isValid(section) && this.hasLastToken(section)) {
      this.violate(`${caller} holds "${name}", but its write with token ${token} was refused: ${highest} was seen`);
    }
  }

  /** The process is gone, and its sections with it. */
  killed(process: SimProcess): void {
    for (const sections of this.inside.values()) {
      for (const section of sections) if (section.process === process) sections.delete(section);
    }
  }

  /** Looks at everything, after each event. */
  look(): void {
    for (const [name, sections] of this.inside) {
      if (sections.size === 0) continue;
      for (const section of sections) {
        note(section);
        this.checkSignal(section);
        this.checkCovered(section);
      }
      if (sections.size > 1) this.checkExclusion(name, sections);
    }
  }

  private checkExclusion(name: string, sections: ReadonlySet<Section>): void {
    const valid = [...sections].filter(isValid);
    if (!this.conflict(valid)) return;
    const who = valid.map(({ caller, token }) => `${caller} (${token})`).join(' and ');
    if (this.conflict(valid.filter((section) => this.isProtected(section))))
      this.violate(`"${name}" is held by ${who}`);
    else this.counts.overlapsAfterLoss += this.once(`${name} ${who}`) ? 1 : 0;
  }

  private conflict(sections: readonly Section[]): boolean {
    return sumOf(sections) > this.permits && !sections.every(reads);
  }

  /** The signal has to come before the lease can end on any server, unless the process stands still. */
  private checkSignal(section: Section): void {
    const { process, hold, signal, name, caller } = section;
    const elapsed = process.mono() - hold.sentAt.mono;
    if (elapsed < hold.leaseMs + ROUNDING_MS || process.paused || signal.aborted) return;
    const { now } = this.world;
    if (now <= process.resumedAt + RESUME_US) return;
    if (process.wokeAt !== null && now <= process.wokeAt + SLEEP_CHECK_US) return;
    this.violate(`${caller} was not told that its lease of "${name}" is over (since ${elapsed.toFixed(1)} ms)`);
  }

  /** A lease that a holder can rely on ends no later than the lock does on a majority of the servers. */
  private checkCovered(section: Section): void {
    const { hold, name, caller, confirmedAt } = section;
    if (!isValid(section) || !this.isProtected(section)) return;
    const left = hold.remaining();
    // A server that forgot the lock has no vote before the lease is over.
    const covering = this.nodes.filter(
      (server) => !server.up || server.forgotAt > confirmedAt || this.view.left(server, name, hold.owner) + 1 >= left,
    );
    if (2 * covering.length > this.nodes.length) return;
    const lefts = this.nodes.map((server) => this.view.left(server, name, hold.owner)).join();
    this.violate(`${caller} counts on "${name}" for ${left.toFixed(0)} ms more, the servers keep it for ${lefts}`);
  }

  /** Whether a server confirmed the lease after the last loss of state. */
  private isProtected({ confirmedAt }: Section): boolean {
    return confirmedAt > this.stateLostAt;
  }

  /** Writers' tokens follow the clock; a server that lost the last ones gives readers the one that it has. */
  private hasLastToken(section: Section): boolean {
    return this.isProtected(section) && !(reads(section) && this.stateLostAt > -Infinity);
  }

  private once(what: string): boolean {
    if (this.reported.has(what)) return false;
    this.reported.add(what);
    return true;
  }
}

/** Whether a lease can be relied on by its own process's clock. Asking the hold changes nothing; asking the lease does. */
function isValid({ hold, lease }: Section): boolean {
  return hold.remaining() > 0 && !Reflect.get(lease, 'outcome');
}

/** Whether others may read at the same time. */
function reads({ hold }: Section): boolean {
  return hold.mode === 'read';
}

/** How many permits they have together. */
function sumOf(sections: readonly Section[]): number {
  return sections.reduce((sum, { hold }) => sum + (hold.permits?.take ?? 1), 0);
}

/** A doubtful hold may count on a shorter lease from a request that nobody has confirmed. */
function note(section: Section): void {
  const { hold, process } = section;
  if (!hold.doubtful) section.confirmedAt = Math.max(section.confirmedAt, process.timeOf(hold.sentAt.mono));
}
