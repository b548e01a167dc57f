import type { LiveEvent } from '../../live/replica-report.js';
import { isPermit } from './permits.js';
import type { ReplicaWatch } from './replica-watch.js';

export interface LockHolder {
  readonly replica: string;
  readonly token: number | null;
  /** Counted on by the page since the last report; `null` where the lock knows no lease. */
  readonly remainingMs: number | null;
  /** Whether its replica sends no reports: killed, stopped, or cut off. */
  readonly silent: boolean;
}

export interface LockRow {
  readonly name: string;
  /** The newest first. More than one: the others were overtaken, or the lock failed. */
  readonly holders: readonly LockHolder[];
  /** The longest lease seen, in ms. */
  readonly leaseMs: number;
  readonly waiting: readonly { readonly replica: string; readonly callers: number }[];
  /** The newest holder seen so far. */
  readonly lastHolder: string | null;
  readonly lastToken: number | null;
  /** When it was renewed last, in ms since 1970; 0: never. */
  readonly renewedAt: number;
}

interface Known {
  seenAt: number;
  /** When the newest holder was seen to get the lock, in ms since 1970; 0: never. */
  takenAt: number;
  leaseMs: number;
  lastHolder: string | null;
  lastToken: number | null;
  renewedAt: number;
}

/** A lock stays on the board for so long after its last use, so that the rows do not jump. */
const keptMs = 8_000;
/** A silent holder is removed this long after its lease has ended, in ms. */
const ghostMs = 4_000;
const mostNames = 40;

/** The holders and waiters of each lock, collected from the reports of all replicas. */
export class LockBoard {
  private readonly known = new Map<string, Known>();

  happened(replica: string, event: LiveEvent, now: number): void {
    if ((event.type !== 'acquired' && event.type !== 'renewed') || isPermit(event)) return;
    const known = this.see(event.name, now);
    // A replica that was stopped reports its events late, when there may be a later holder.
    if (isOlder(event.token, known.lastToken)) return;
    if (event.type === 'acquired') known.takenAt = now;
    known.lastHolder = replica;
    known.lastToken = event.token;
    if (event.type === 'renewed') known.renewedAt = now;
  }

  rows(replicas: ReadonlyMap<string, ReplicaWatch>, now: number): LockRow[] {
    const holders = new Map<string, LockHolder[]>();
    const waiting = new Map<string, { replica: string; callers: number }[]>();
    const overtaken = new Set<LockHolder>();
    for (const [replica, watch] of replicas) {
      const silent = watch.isSilent(now);
      const age = now - watch.heardAt;
      for (const { name, token, remainingMs } of watch.report.held.filter((it) => !isPermit(it))) {
        const left = remainingMs === null ? null : remainingMs - age;
        const known = this.see(name, watch.heardAt);
        if (remainingMs !== null) known.leaseMs = Math.max(known.leaseMs, remainingMs);
        if (silent && (left === null ? age > keptMs : left < -ghostMs)) continue;
        if (token !== null && !isOlder(token, known.lastToken)) {
          known.lastHolder = replica;
          known.lastToken = token;
        }
        const holder = { replica, token, remainingMs: left === null ? null : Math.max(0, left), silent };
        push(holders, name, holder);
        // Without tokens only the time decides: another replica took the lock after this one became silent.
        if (token === null && silent && known.lastHolder !== replica && known.takenAt > watch.heardAt)
          overtaken.add(holder);
      }
      if (silent) continue;
      for (const { name, callers } of watch.report.waiting.filter((it) => !isPermit(it))) {
        this.see(name, watch.heardAt);
        push(waiting, name, { replica, callers });
      }
    }
    this.forget(now);
    return [...this.known]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, { leaseMs, lastHolder, lastToken, renewedAt }]) => ({
        name,
        holders: current(holders.get(name) ?? [], (it) => overtaken.has(it) || isOlder(it.token, lastToken)),
        waiting: waiting.get(name) ?? [],
        leaseMs,
        lastHolder,
        lastToken,
        renewedAt,
      }));
  }

  private see(name: string, at: number): Known {
    const known = this.known.get(name) ?? { ...unknown, seenAt: at };
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

const unknown: Known = { seenAt: 0, takenAt: 0, leaseMs: 0, lastHolder: null, lastToken: null, renewedAt: 0 };

function isOlder(token: number | null, newest: number | null): boolean {
  return token !== null && newest !== null && token < newest;
}

/**
 * A holder that was overtaken is shown beside the one that overtook it. Once the later holder has released the lock, it
 * is free, even if the first holder still believes that it holds it.
 */
function current(holders: LockHolder[], isOvertaken: (holder: LockHolder) => boolean): LockHolder[] {
  return holders.every(isOvertaken) ? [] : holders.sort(newestFirst);
}

function newestFirst(a: LockHolder, b: LockHolder): number {
  return (b.token ?? 0) - (a.token ?? 0) || Number(a.silent) - Number(b.silent);
}

function push<T>(lists: Map<string, T[]>, key: string, entry: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [entry]);
  else list.push(entry);
}
