import type { LiveEvent } from '../../replica-report.js';
import type { ReplicaWatch } from './replica-watch.js';

export interface LockHolder {
  readonly replica: string;
  readonly token: number | null;
  /** Counted on by the page since the last report; `null` where the lock knows no lease. */
  readonly remainingMs: number | null;
  /** Says nothing: killed, stopped, or cut off. */
  readonly silent: boolean;
}

export interface LockRow {
  readonly name: string;
  /** Whoever came last first. More than one: the others were overtaken, or the lock failed. */
  readonly holders: readonly LockHolder[];
  /** The longest lease seen, in ms. */
  readonly leaseMs: number;
  readonly waiting: readonly { readonly replica: string; readonly callers: number }[];
  /** Whoever had it before, when nobody has it now. */
  readonly lastHolder: string | null;
  readonly lastToken: number | null;
  /** When it was renewed last, in ms since 1970; 0: never. */
  readonly renewedAt: number;
}

interface Known {
  seenAt: number;
  leaseMs: number;
  lastHolder: string | null;
  lastToken: number | null;
  renewedAt: number;
}

/** A lock stays on the board for so long after its last use, so that the rows do not jump. */
const keptMs = 8_000;
/** A holder that is silent is forgotten so long after its lease is over. */
const ghostMs = 4_000;
const mostNames = 40;

/** Who holds which lock and who waits for it, put together from the reports of all replicas. */
export class LockBoard {
  private readonly known = new Map<string, Known>();

  happened(replica: string, event: LiveEvent, now: number): void {
    if (event.type !== 'acquired' && event.type !== 'renewed') return;
    const known = this.see(event.name, now);
    known.lastHolder = replica;
    known.lastToken = event.token;
    if (event.type === 'renewed') known.renewedAt = now;
  }

  rows(replicas: ReadonlyMap<string, ReplicaWatch>, now: number): LockRow[] {
    const holders = new Map<string, LockHolder[]>();
    const waiting = new Map<string, { replica: string; callers: number }[]>();
    for (const [replica, watch] of replicas) {
      const silent = watch.isSilent(now);
      const age = now - watch.heardAt;
      for (const { name, token, remainingMs } of watch.report.held) {
        const left = remainingMs === null ? null : remainingMs - age;
        const known = this.see(name, watch.heardAt);
        if (remainingMs !== null) known.leaseMs = Math.max(known.leaseMs, remainingMs);
        if (silent && (left === null ? age > keptMs : left < -ghostMs)) continue;
        push(holders, name, { replica, token, remainingMs: left === null ? null : Math.max(0, left), silent });
      }
      if (silent) continue;
      for (const { name, callers } of watch.report.waiting) {
        this.see(name, watch.heardAt);
        push(waiting, name, { replica, callers });
      }
    }
    this.forget(now);
    return [...this.known]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, { leaseMs, lastHolder, lastToken, renewedAt }]) => ({
        name,
        holders: (holders.get(name) ?? []).sort(newestFirst),
        waiting: waiting.get(name) ?? [],
        leaseMs,
        lastHolder,
        lastToken,
        renewedAt,
      }));
  }

  private see(name: string, at: number): Known {
    const known = this.known.get(name) ?? { seenAt: at, leaseMs: 0, lastHolder: null, lastToken: null, renewedAt: 0 };
    known.seenAt = Math.max(known.seenAt, at);
    this.known.set(name, known);
    return known;
  }

  private forget(now: number): void {
    const bySight = [...this.known].sort(([, a], [, b]) => b.seenAt - a.seenAt);
    bySight.forEach(([name, { seenAt }], index) => {
      if (index >= mostNames || now - seenAt > keptMs + ghostMs) this.known.delete(name);
    });
  }
}

function newestFirst(a: LockHolder, b: LockHolder): number {
  return (b.token ?? 0) - (a.token ?? 0) || Number(a.silent) - Number(b.silent);
}

function push<T>(lists: Map<string, T[]>, key: string, entry: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [entry]);
  else list.push(entry);
}
