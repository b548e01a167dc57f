import type { AcquireReply, AcquireRequest, ReleaseReply, RenewReply, RenewRequest } from '../../lock-store.js';
import {
  ACQUIRE_PERMITS_SCRIPT,
  RELEASE_PERMITS_SCRIPT,
  RENEW_PERMITS_SCRIPT,
  SHARDED_ACQUIRE_PERMITS_SCRIPT,
  SHARDED_RELEASE_PERMITS_SCRIPT,
} from '../lua/index.js';
import { PLACE_MS } from '../lua/places.lua.js';
import type { NotificationSubscriber } from '../notifications/notification-subscriber.js';
import { LATCH_PREFIX, SEMAPHORE_CHANNEL_PREFIX, type KeyLayout } from './key-layout.js';
import {
  leaseOf,
  readPlace,
  RELEASE_USEFUL_MS,
  sameLease,
  type KindScripts,
  type ReleaseRequest,
} from './lock-batches.js';
import type { AbandonedWatch, BatchedScript } from './script-batch.js';

/**
 * The scripts of the semaphore.
 *
 * @param ttl how long the keys of this library are stored after their last use, in ms
 * @param sharded whether notifications use sharded channels if the server has them
 */
export function semaphoreScripts(
  layout: KeyLayout,
  ttl: number,
  notifications: NotificationSubscriber,
  sharded: boolean,
): KindScripts {
  return {
    title: 'semaphore',
    acquire: (abandoned) => acquirePermits(layout, ttl, abandoned, sharded),
    renew: renewPermits(layout, ttl),
    release: releasePermits(layout, ttl, notifications, sharded),
    channel: (name) => layout.semaphoreChannel(name),
    placeMs: PLACE_MS,
  };
}

function acquirePermits(
  layout: KeyLayout,
  ttl: number,
  abandoned: AbandonedWatch<AcquireRequest>,
  sharded: boolean,
): BatchedScript<AcquireRequest, AcquireReply> {
  return {
    script: sharded ? SHARDED_ACQUIRE_PERMITS_SCRIPT : ACQUIRE_PERMITS_SCRIPT,
    fits: sameLease,
    pushKeys: (args, { name }) => args.push(...layout.semaphore(name), layout.token(name)),
    pushArgs: (args, requests) => {
      args.push(ttl, requests[0].leaseMs, SEMAPHORE_CHANNEL_PREFIX, LATCH_PREFIX);
      for (const { owner, permits, tokens, waits } of requests) {
        args.push(memberPrefix(owner), permits?.take ?? 1, permits?.permits ?? 1, tokens, waits ? 1 : 0);
      }
    },
    read: readPlace,
    usefulMs: leaseOf,
    abandoned,
  };
}

function renewPermits(layout: KeyLayout, ttl: number): BatchedScript<RenewRequest, RenewReply> {
  return {
    script: RENEW_PERMITS_SCRIPT,
    fits: (first, request) => sameLease(first, request) && first.exact === request.exact,
    pushKeys: (args, { name }) => args.push(...layout.semaphore(name)),
    pushArgs: (args, requests) => {
      const [{ leaseMs, exact }] = requests;
      args.push(ttl, leaseMs, exact ? 1 : 0);
      for (const { owner, number } of requests) args.push(memberPrefix(owner), takenBy(owner), number);
    },
    usefulMs: leaseOf,
    read: (status, _detail, _request, { sentAt }) => ({ held: status === 1, sentAt }),
  };
}

function releasePermits(
  layout: KeyLayout,
  ttl: number,
  notifications: NotificationSubscriber,
  sharded: boolean,
): BatchedScript<ReleaseRequest, ReleaseReply> {
  return {
    script: sharded ? SHARDED_RELEASE_PERMITS_SCRIPT : RELEASE_PERMITS_SCRIPT,
    fits: (first, { keepMs }) => first.keepMs === keepMs,
    pushKeys: (args, { name }) => args.push(...layout.semaphore(name)),
    pushArgs: (args, requests) => {
      args.push(requests[0].keepMs, SEMAPHORE_CHANNEL_PREFIX, ttl);
      for (const { owner } of requests) args.push(memberPrefix(owner), takenBy(owner));
    },
    usefulMs: () => RELEASE_USEFUL_MS,
    read: (status, detail, { name }, { maybeResent }) => ({
      // If ioredis sent the request twice, it may have been executed the first time, and its reply was lost.
      held: status === 1 || maybeResent,
      listeners: Math.max(0, Number(detail) - (notifications.hears(layout.semaphoreChannel(name)) ? 1 : 0)),
    }),
  };
}

/**
 * The first 14 bytes, in hex, of the members of an owner `<service uuid>:<number>`: 9 bytes of the uuid, and the number.
 */
function memberPrefix(owner: string): string {
  const [uuid = '', number = ''] = owner.split(':');
  return uuid.replaceAll('-', '').slice(0, 18) + Number(number).toString(16).padStart(10, '0');
}

/** How many permits an owner takes, which is its third part; 1 without one. */
function takenBy(owner: string): number {
  return Number(owner.split(':')[2] ?? 1);
}
