import type { CoordinationReport } from '../../live/replica-report.js';
import type { ShopState } from '../state/shop-state.js';
import { ago, duration, shortToken } from './words.js';

/** Which replica leads, in one line. */
export function tellLeader(shop: ShopState, now: number): string {
  const known = newest(shop, now);
  if (known === null) return 'Not known: no replica can ask Redis.';
  const { leader } = known;
  if (leader === null) return 'No replica at the moment.';
  const since = leader.since === null ? '' : `, since ${duration(Math.max(0, now - leader.since))}`;
  const token = leader.token === null ? '' : `, token ${shortToken(leader.token)}`;
  return `${nameOf(shop, leader.where)}${since}${token}`;
}

/** The last refresh of the prices, in one line. */
export function tellLastRun(shop: ShopState, now: number): string {
  const known = newest(shop, now);
  if (known === null) return 'Not known: no replica can ask Redis.';
  const run = known.lastRun;
  if (run === null) return 'Never so far.';
  const who = `${nameOf(shop, run.where)}${run.attempt > 1 ? `, attempt ${String(run.attempt)}` : ''}`;
  if (run.endedAt === null) return `${who}, began ${ago(now - run.startedAt)} and has not ended`;
  const took = duration(Math.max(0, run.endedAt - run.startedAt));
  return `${who}, ${ago(now - run.endedAt)}, ${run.outcome === 'done' ? 'in' : 'failed after'} ${took}`;
}

/** Of the replica that reported last. */
function newest(shop: ShopState, now: number): CoordinationReport | null {
  const speaking = [...shop.replicas.values()].filter((watch) => !watch.isSilent(now));
  const known = speaking.filter(({ report }) => report.coordination !== null);
  return known.sort((a, b) => b.heardAt - a.heardAt)[0]?.report.coordination ?? null;
}

/** @param where host name and process id */
function nameOf(shop: ShopState, where: string | null): string {
  const pid = Number(where?.slice(where.lastIndexOf(':') + 1));
  const found = [...shop.replicas].find(([, { report }]) => report.pid === pid);
  return found?.[0] ?? (where === null ? 'A replica' : `Process ${String(pid)}, which has ended`);
}
