import type { AcquireReply, AcquireRequest, ReleaseReply, RenewReply, RenewRequest } from '../../lock-store.js';
import { CHANNEL_PREFIX, TOKEN_PREFIX, type KeyLayout } from './key-layout.js';
import type { NotificationSubscriber } from '../notifications/notification-subscriber.js';
import type { BatchedScript, AbandonedWatch } from './script-batch.js';
import { ACQUIRE_SCRIPT, RELEASE_SCRIPT, RENEW_SCRIPT, SHARDED_RELEASE_SCRIPT } from '../lua/index.js';

export interface ReleaseRequest {
  readonly name: string;
  readonly owner: string;
  readonly keepMs: number;
  readonly notify: boolean;
}

/** The scripts of one kind of lock. */
export interface KindScripts {
  readonly title: 'lock' | 'semaphore' | 'read-write';
  readonly acquire: (abandoned: AbandonedWatch<AcquireRequest>) => BatchedScript<AcquireRequest, AcquireReply>;
  readonly renew: BatchedScript<RenewRequest, RenewReply>;
  readonly release: BatchedScript<ReleaseRequest, ReleaseReply>;
  /** The channel of the notifications of a lock. */
  readonly channel: (name: string) => string;
  /** The channel of one waiter, if it is notified alone. */
  readonly waiterChannel?: (name: string, waiter: string) => string;
  /** How long a waiter keeps its place, in ms; 0: Redis keeps no order. */
  readonly placeMs: number;
}

/** How long a late reply to a release is awaited before the release is sent again, in ms. */
export const RELEASE_USEFUL_MS = 10_000;

/**
 * The scripts of the exclusive lock.
 *
 * @param tokenTtl how long a token is stored after its last use, in ms
 * @param sharded whether notifications use sharded channels if the server has them
 */
export function lockScripts(
  layout: KeyLayout,
  tokenTtl: number,
  notifications: NotificationSubscriber,
  sharded: boolean,
): KindScripts {
  return {
    title: 'lock',
    acquire: (abandoned) => acquireBatch(layout, tokenTtl, abandoned),
    renew: renewBatch(layout, tokenTtl),
    release: releaseBatch(layout, notifications, sharded),
    channel: (name) => layout.channel(name),
    placeMs: 0,
  };
}

function acquireBatch(
  layout: KeyLayout,
  tokenTtl: number,
  abandoned: AbandonedWatch<AcquireRequest>,
): BatchedScript<AcquireRequest, AcquireReply> {
  return {
    script: ACQUIRE_SCRIPT,
    fits: sameLease,
    pushKeys: (args, { name }) => args.push(layout.lock(name), layout.token(name)),
    pushArgs: (args, requests) => {
      const [{ leaseMs, tokens }] = requests;
      const alike = requests.every((request) => request.tokens === tokens);
      args.push(tokenTtl, leaseMs, alike ? tokens : '');
      for (const { owner } of requests) args.push(owner);
      if (!alike) for (const request of requests) args.push(request.tokens);
    },
    read: (status, detail, _request, { sentAt }) => {
      const value = Number(detail);
      if (status === 1) return { taken: true, token: value, sentAt };
      return { taken: false, remainingMs: value < 0 ? undefined : value };
    },
    usefulMs: leaseOf,
    abandoned,
  };
}

export function renewBatch(layout: KeyLayout, tokenTtl: number): BatchedScript<RenewRequest, RenewReply> {
  return {
    script: RENEW_SCRIPT,
    fits: (first, request) => sameLease(first, request) && first.exact === request.exact,
    pushKeys: (args, { name }) => args.push(layout.lock(name)),
    pushArgs: (args, requests) => {
      const [{ leaseMs, exact }] = requests;
      args.push(tokenTtl, leaseMs, exact ? 1 : 0, TOKEN_PREFIX);
      for (const { owner, number } of requests) args.push(owner, number);
    },
    usefulMs: leaseOf,
    read: (status, _detail, _request, { sentAt }) => ({ held: status === 1, sentAt }),
  };
}

function releaseBatch(
  layout: KeyLayout,
  notifications: NotificationSubscriber,
  sharded: boolean,
): BatchedScript<ReleaseRequest, ReleaseReply> {
  return {
    script: sharded ? SHARDED_RELEASE_SCRIPT : RELEASE_SCRIPT,
    fits: (first, { keepMs, notify }) => first.keepMs === keepMs && first.notify === notify,
    pushKeys: (args, { name }) => args.push(layout.lock(name)),
    pushArgs: (args, requests) => {
      const [{ keepMs, notify }] = requests;
      args.push(keepMs, notify ? CHANNEL_PREFIX : '');
      for (const { owner } of requests) args.push(owner);
    },
    usefulMs: () => RELEASE_USEFUL_MS,
    read: (status, detail, { name }, { maybeResent }) => ({
      // If ioredis sent the request twice, it may have been executed the first time, and its reply was lost.
      held: status === 1 || maybeResent,
      listeners: Math.max(0, Number(detail) - (notifications.hears(layout.channel(name)) ? 1 : 0)),
    }),
  };
}

/** Reads the reply to an attempt of a kind that keeps places: a token, or "ms:place". */
export const readPlace: BatchedScript<AcquireRequest, AcquireReply>['read'] = (
  status,
  detail,
  _request,
  { sentAt },
) => {
  if (status === 1) return { taken: true, token: Number(detail), sentAt };
  const [ms, place] = String(detail).split(':');
  return { taken: false, remainingMs: Number(ms) < 0 ? undefined : Number(ms), queued: place === '1' };
};

/** A reply after the end of the lease is of no use, since leases count from when the request was sent. */
export function leaseOf({ leaseMs }: { readonly leaseMs: number }): number {
  return leaseMs;
}

export function sameLease(first: { readonly leaseMs: number }, { leaseMs }: { readonly leaseMs: number }): boolean {
  return first.leaseMs === leaseMs;
}
