import type { ReplicaReport } from '../../live/replica-report.js';
import type { LockRow } from '../state/lock-board.js';
import type { ShopState } from '../state/shop-state.js';
import { count, duration, number, plainName, shortToken } from './words.js';

/** One plain sentence about what happens now, the most important thing first. */
export function tellNow(shop: ShopState, locks: readonly LockRow[], now: number): string {
  return (
    withoutConnection(shop) ??
    withoutRedis(shop) ??
    afterTheHolder(locks) ??
    rebuilding(shop, locks, now) ??
    stampede(shop) ??
    quiet(shop, now)
  );
}

function withoutConnection({ connected, replicas }: ShopState): string | undefined {
  if (connected) return undefined;
  return replicas.size === 0
    ? 'Waiting for the first report of a replica …'
    : 'The page lost its connection to the shop and tries again. What you see is the last it heard.';
}

function withoutRedis({ controls, beat }: ShopState): string | undefined {
  if (controls?.redis === 'paused')
    return 'Redis is paused: it answers nobody, so no lock can be taken, renewed or released until it continues.';
  if (controls?.redis === 'restarting') return 'Redis is being started again. Locks are taken anew when it is back.';
  return beat?.redis === 'down' ? 'The replicas cannot reach Redis.' : undefined;
}

function afterTheHolder(locks: readonly LockRow[]): string | undefined {
  const lock = locks.find(({ holders }) => holders.length > 0 && holders.every(({ silent }) => silent));
  const holder = lock?.holders[0];
  if (lock === undefined || holder === undefined) return undefined;
  const had = `${holder.replica} has the lock on ${plainName(lock.name)} and says nothing.`;
  if (holder.remainingMs === null) return `${had} This lock has no lease: nobody else gets it.`;
  if (holder.remainingMs === 0) return `${had} Its lease is over: whoever waits may take the lock.`;
  return `${had} In ${duration(holder.remainingMs)} its lease is over, and whoever waits takes the lock.`;
}

function rebuilding(shop: ShopState, locks: readonly LockRow[], now: number): string | undefined {
  const busy = [...shop.replicas].filter(
    ([, watch]) => !watch.isSilent(now) && watch.report.cache.rebuilding + watch.report.cache.rebuilds > 0,
  );
  const rebuilds = busy.reduce((sum, [, { report }]) => sum + report.cache.rebuilding, 0);
  if (rebuilds > 1)
    return `${count(rebuilds, 'rebuild')} of the catalog run at once in ${count(busy.length, 'replica')}: each asks the database the same slow question.`;
  const [name, watch] = busy.find(([, { report }]) => report.cache.rebuilding > 0) ?? [];
  if (name === undefined || watch === undefined) return undefined;
  const held = watch.report.held.find((lock) => lock.name.startsWith('catalog'));
  if (held === undefined) return `${name} rebuilds the catalog, without a lock.`;
  const how = held.token === null ? 'under its lock' : `under the lock, token ${shortToken(held.token)}`;
  return `${name} rebuilds ${plainName(held.name)} ${how}. ${waiters(locks, held.name, shop, now)}`;
}

function waiters(locks: readonly LockRow[], name: string, shop: ShopState, now: number): string {
  const lines = locks.find((lock) => lock.name === name)?.waiting ?? [];
  const callers = lines.reduce((sum, line) => sum + line.callers, 0);
  const running = [...shop.replicas.values()]
    .filter((watch) => !watch.isSilent(now))
    .reduce((sum, { report }) => sum + report.requests.running, 0);
  const requests = running > 1 ? ` ${count(running, 'request')} are under way.` : '';
  if (callers === 0) return `Nobody else asks for it.${requests}`;
  const wait = callers === 1 ? '1 caller waits' : `${count(callers, 'caller')} wait`;
  return `${wait} for it in ${count(lines.length, 'replica')}.${requests}`;
}

function stampede({ controls }: ShopState): string | undefined {
  const run = controls?.stampede;
  if (run?.lastMs !== null) return undefined;
  return `${count(run.readers, 'reader')} came at once; ${count(run.served, 'is', 'are')} served.`;
}

function quiet(shop: ShopState, now: number): string {
  const speaking = [...shop.replicas.values()].filter((watch) => !watch.isSilent(now));
  if (speaking.length === 0) return 'No replica says anything.';
  const rate = (counted: (report: ReplicaReport) => number): number =>
    Math.round(speaking.reduce((sum, watch) => sum + watch.rate(counted, now), 0));
  const requests = rate((report) => report.requests.answered);
  if (requests === 0) return `All is quiet: ${count(speaking.length, 'replica')} and no visitor.`;
  const who = speaking.length === 1 ? 'One replica answers' : `${count(speaking.length, 'replica')} answer`;
  const hits = rate(({ cache }) => cache.hits);
  const asked =
    hits === 0
      ? 'Nobody asks for the catalog.'
      : `${number.format(hits)} of them find the catalog in the cache, so nobody needs its lock.`;
  return `${who} ${count(requests, 'request')} a second. ${asked}`;
}
