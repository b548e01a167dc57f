import type { AcquireReply, AcquireRequest, ReleaseReply, RenewReply, RenewRequest } from '../../lock-store.js';
import {
  ACQUIRE_READ_WRITE_SCRIPT,
  RELEASE_READ_WRITE_SCRIPT,
  RENEW_READ_WRITE_SCRIPT,
  SHARDED_RELEASE_READ_WRITE_SCRIPT,
} from '../lua/index.js';
import { PLACE_MS } from '../lua/places.lua.js';
import type { NotificationSubscriber } from '../notifications/notification-subscriber.js';
import { ORDER_PREFIX, READ_WRITE_CHANNEL_PREFIX, TOKEN_PREFIX, type KeyLayout } from './key-layout.js';
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
 * The scripts of the read-write lock. The owner of a hold to write ends with `:write`.
 *
 * @param tokenTtl how long a token is stored after its last use, in ms
 * @param sharded whether notifications use sharded channels if the server has them
 */
export function readWriteScripts(
  layout: KeyLayout,
  tokenTtl: number,
  notifications: NotificationSubscriber,
  sharded: boolean,
): KindScripts {
  return {
    title: 'read-write',
    acquire: (abandoned) => acquireReadWrite(layout, tokenTtl, abandoned),
    renew: renewReadWrite(layout, tokenTtl),
    release: releaseReadWrite(layout, notifications, sharded),
    channel: (name) => layout.readWriteChannel(name),
    placeMs: PLACE_MS,
  };
}

function acquireReadWrite(
  layout: KeyLayout,
  tokenTtl: number,
  abandoned: AbandonedWatch<AcquireRequest>,
): BatchedScript<AcquireRequest, AcquireReply> {
  return {
    script: ACQUIRE_READ_WRITE_SCRIPT,
    fits: sameLease,
    pushKeys: (args, { name, owner }) =>
      args.push(layout.lock(name), layout.token(name), layout.order(name), layout.readTimeout(name, owner)),
    pushArgs: (args, requests) => {
      args.push(tokenTtl, requests[0].leaseMs);
      for (const { owner, tokens, waits } of requests) args.push(owner, tokens, waits ? 1 : 0);
    },
    read: readPlace,
    usefulMs: leaseOf,
    abandoned,
  };
}

function renewReadWrite(layout: KeyLayout, tokenTtl: number): BatchedScript<RenewRequest, RenewReply> {
  return {
    script: RENEW_READ_WRITE_SCRIPT,
    fits: (first, request) => sameLease(first, request) && first.exact === request.exact,
    pushKeys: (args, { name, owner }) => args.push(layout.lock(name), ofHolder(layout, name, owner)),
    pushArgs: (args, requests) => {
      const [{ leaseMs, exact }] = requests;
      args.push(tokenTtl, leaseMs, exact ? 1 : 0, TOKEN_PREFIX, ORDER_PREFIX);
      for (const { owner, number } of requests) args.push(owner, number);
    },
    usefulMs: leaseOf,
    read: (status, detail, _request, { sentAt }) => ({
      held: status === 1,
      sentAt,
      awaited: Number(detail) === 1,
    }),
  };
}

function releaseReadWrite(
  layout: KeyLayout,
  notifications: NotificationSubscriber,
  sharded: boolean,
): BatchedScript<ReleaseRequest, ReleaseReply> {
  return {
    script: sharded ? SHARDED_RELEASE_READ_WRITE_SCRIPT : RELEASE_READ_WRITE_SCRIPT,
    fits: (first, { keepMs }) => first.keepMs === keepMs,
    pushKeys: (args, { name, owner }) => args.push(layout.lock(name), ofHolder(layout, name, owner)),
    pushArgs: (args, requests) => {
      args.push(requests[0].keepMs, READ_WRITE_CHANNEL_PREFIX, ORDER_PREFIX);
      for (const { owner } of requests) args.push(owner);
    },
    usefulMs: () => RELEASE_USEFUL_MS,
    read: (status, detail, { name }, { maybeResent }) => ({
      // If ioredis sent the request twice, it may have been executed the first time, and its reply was lost.
      held: status === 1 || maybeResent,
      listeners: Math.max(0, Number(detail) - (notifications.hears(layout.readWriteChannel(name)) ? 1 : 0)),
    }),
  };
}

/**
 * A reader's timeout key. A writer has none: while a slot moves, a server rejects a request if it does not have all of its
 * keys.
 */
function ofHolder(layout: KeyLayout, name: string, owner: string): string {
  return owner.endsWith(':write') ? layout.lock(name) : layout.readTimeout(name, owner);
}
