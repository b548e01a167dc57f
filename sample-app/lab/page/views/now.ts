import type { ReplicaReport } from '../../live/replica-report.js';
import type { LockRow } from '../state/lock-board.js';
import type { ShopState } from '../state/shop-state.js';
import { count, duration, number, plainName, shortToken } from './words.js';

/** One sentence about the present state: the most important fact. */
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
    : 'The page has lost its connection to the shop and is reconnecting. It shows the last known state.';
}

function withoutRedis({ controls, beat }: ShopState): string | undefined {
  if (controls?.redis === 'paused')
    return 'Redis is paused: no lock can be taken, renewed or released until it continues.';
  if (controls?.redis === 'restarting') return 'Redis is restarting. Locks can be taken again when it is back.';
  return beat?.redis === 'down' ? 'The replicas cannot reach Redis.' : undefined;
}

function afterTheHolder(locks: readonly LockRow[]): string | undefined {
  const lock = locks.find(({ holders }) => holders.length > 0 && holders.every(({ silent }) => silent));
  const holder = lock?.holders[0];
  if (lock === undefined || holder === undefined) return undefined;
  const had = `${holder.replica} has the lock on ${plainName(lock.name)} and sends no reports.`;
  if (holder.remainingMs === null) return `${had} This lock has no lease: no other caller gets it.`;
  if (holder.remainingMs === 0) return `${had} Its lease has ended: the next waiter may take the lock.`;
  return `${had} Its lease ends in ${duration(holder.remainingMs)}, and then the next waiter takes the lock.`;
}

function rebuilding(shop: ShopState, locks: readonly LockRow[], now: number): string | undefined {
  const busy = [...shop.replicas].filter(
    ([, watch]) => !watch.isSilent(now) && watch.report.cache.rebuilding + watch.report.cache.rebuilds > 0,
  );
  const rebuilds = busy.reduce((sum, [, { report }]) => sum + report.cache.rebuilding, 0);
  if (rebuilds > 1)
    return `${count(rebuilds, 'rebuild')} of the catalog run at once in ${count(busy.length, 'replica')}: each sends the same slow query to the database.`;
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
  const requests = running > 1 ? ` ${count(running, 'request')} are in progress.` : '';
  if (callers === 0) return `No other caller waits for it.${requests}`;
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
  if (speaking.length === 0) return 'No replica sends reports.';
  const rate = (counted: (report: ReplicaReport) => number): number =>
    Math.round(speaking.reduce((sum, watch) => sum + watch.rate(counted, now), 0));
  const requests = rate((report) => report.requests.answered);
  if (requests === 0) return `Idle: ${count(speaking.length, 'replica')} and no requests.`;
  const who = speaking.length === 1 ? 'One replica answers' : `${count(speaking.length, 'replica')} answer`;
  const hits = rate(({ cache }) => cache.hits);
  const asked =
    hits === 0
      ? 'None of them reads the catalog.'
      : `${number.format(hits)} of them find the catalog in the cache, so its lock is not needed.`;
  return `${who} ${count(requests, 'request')} a second. ${asked}`;
}
