import type { AcquireReply, AcquireRequest, ReleaseReply } from '../../lock-store.js';
import {
  ACQUIRE_FAIR_SCRIPT,
  RELEASE_FAIR_SCRIPT,
  SHARDED_ACQUIRE_FAIR_SCRIPT,
  SHARDED_RELEASE_FAIR_SCRIPT,
} from '../lua/index.js';
import { PLACE_MS } from '../lua/places.lua.js';
import { CHANNEL_PREFIX, DEADLINES_PREFIX, PLACES_PREFIX, QUEUE_PREFIX, type KeyLayout } from './key-layout.js';
import {
  leaseOf,
  readPlace,
  RELEASE_USEFUL_MS,
  renewBatch,
  sameLease,
  type KindScripts,
  type ReleaseRequest,
} from './lock-batches.js';
import type { AbandonedWatch, BatchedScript } from './script-batch.js';

/**
 * The scripts of the exclusive lock whose waiters are served in the order of their requests.
 *
 * @param tokenTtl how long a token is stored after its last use, in ms
 * @param sharded whether notifications use sharded channels if the server has them
 */
export function fairScripts(layout: KeyLayout, tokenTtl: number, sharded: boolean): KindScripts {
  return {
    title: 'lock',
    acquire: (abandoned) => acquireFair(layout, tokenTtl, sharded, abandoned),
    renew: renewBatch(layout, tokenTtl),
    release: releaseFair(layout, sharded),
    channel: (name) => layout.channel(name),
    waiterChannel: (name, waiter) => layout.waiterChannel(name, waiter),
    placeMs: PLACE_MS,
  };
}

function acquireFair(
  layout: KeyLayout,
  tokenTtl: number,
  sharded: boolean,
  abandoned: AbandonedWatch<AcquireRequest>,
): BatchedScript<AcquireRequest, AcquireReply> {
  return {
    script: sharded ? SHARDED_ACQUIRE_FAIR_SCRIPT : ACQUIRE_FAIR_SCRIPT,
    fits: sameLease,
    pushKeys: (args, { name }) => args.push(layout.lock(name), layout.token(name), ...layout.queue(name)),
    pushArgs: (args, requests) => {
      args.push(tokenTtl, requests[0].leaseMs, CHANNEL_PREFIX);
      for (const { owner, waits } of requests) args.push(owner, waits ? 1 : 0);
    },
    read: readPlace,
    usefulMs: leaseOf,
    abandoned,
  };
}

function releaseFair(layout: KeyLayout, sharded: boolean): BatchedScript<ReleaseRequest, ReleaseReply> {
  return {
    script: sharded ? SHARDED_RELEASE_FAIR_SCRIPT : RELEASE_FAIR_SCRIPT,
    fits: (first, { keepMs }) => first.keepMs === keepMs,
    pushKeys: (args, { name }) => args.push(layout.lock(name)),
    pushArgs: (args, requests) => {
      args.push(requests[0].keepMs, CHANNEL_PREFIX, QUEUE_PREFIX, DEADLINES_PREFIX, PLACES_PREFIX);
      for (const { owner } of requests) args.push(owner);
    },
    usefulMs: () => RELEASE_USEFUL_MS,
    read: (status, detail, _request, { maybeResent }) => ({
      // If ioredis sent the request twice, it may have been executed the first time, and its reply was lost.
      held: status === 1 || maybeResent,
      listeners: Number(detail),
    }),
  };
}
