import type { KeyLayout } from '../redis/scripts/key-layout.js';
import type { BatchedScript, AbandonedWatch } from '../redis/scripts/script-batch.js';
import { Script } from '../redis/lua/script.js';
import type { Marker } from './marker.js';
import { CONFIRM } from './lua/confirm.lua.js';
import { GRANT } from './lua/grant.lua.js';

const CONFIRM_SCRIPT = new Script(CONFIRM);
const GRANT_SCRIPT = new Script(GRANT);

export interface GrantRequest {
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
  readonly tokens: number;
  /** The token proposed to all nodes: the client's clock in µs. */
  readonly proposal: number;
}

/** The reply of one node to a request for its vote. */
export type GrantReply =
  | { readonly granted: true; /** The first token reserved on this node. */ readonly token: number }
  | {
      readonly granted: false;
      /** The owner that has this node's vote. */
      readonly holder: string;
      /** The remaining time of that vote, in ms; `undefined` if it does not expire. */
      readonly remainingMs: number | undefined;
    };

export interface ConfirmRequest {
  readonly name: string;
  readonly owner: string;
  /** The last of the tokens reserved. */
  readonly lastToken: number;
  /** If above 0, a free lock is taken again for this long, in ms. */
  readonly rejoinMs: number;
}

interface Vote {
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
}

/** @param marker the marker that the node must have when it grants the votes */
export function grantBatch(
  layout: KeyLayout,
  tokenTtl: number,
  abandoned: AbandonedWatch<Vote>,
  marker: () => Marker,
): BatchedScript<GrantRequest, GrantReply> {
  return {
    abandoned,
    script: GRANT_SCRIPT,
    fits: () => true,
    pushKeys: (args, { name }) => args.push(layout.lock(name), layout.token(name)),
    pushArgs: (args, requests) => {
      const { key, id } = marker();
      args.push(tokenTtl, key, id);
      for (const { owner, leaseMs, tokens, proposal } of requests) args.push(owner, leaseMs, tokens, proposal);
    },
    read: (status, detail) => {
      if (status === 1) return { granted: true, token: Number(detail) };
      const [left = '', holder = ''] = String(detail).split(' ');
      return { granted: false, holder, remainingMs: Number(left) < 0 ? undefined : Number(left) };
    },
  };
}

/** Without `rejoinMs` a confirmation takes no lock, so it is not tracked: executed late, it has no effect. */
export function confirmBatch(
  layout: KeyLayout,
  tokenTtl: number,
  abandoned: AbandonedWatch<Vote>,
  marker: () => Marker,
): BatchedScript<ConfirmRequest, boolean> {
  const voteOf = ({ name, owner, rejoinMs }: ConfirmRequest): Vote => ({ name, owner, leaseMs: rejoinMs });
  return {
    abandoned: {
      onOverdue: (request) => {
        if (request.rejoinMs > 0) abandoned.onOverdue(voteOf(request));
      },
      onLate: (request, reply, index) => {
        if (request.rejoinMs > 0) abandoned.onLate(voteOf(request), reply, index);
      },
      onCut: (request, ms) => {
        if (request.rejoinMs > 0) abandoned.onCut(voteOf(request), ms);
      },
    },
    script: CONFIRM_SCRIPT,
    fits: () => true,
    pushKeys: (args, { name }) => args.push(layout.lock(name), layout.token(name)),
    pushArgs: (args, requests) => {
      const { key, id } = marker();
      args.push(tokenTtl, key, id);
      for (const { owner, lastToken, rejoinMs } of requests) args.push(owner, lastToken, rejoinMs);
    },
    read: (status) => status === 1,
  };
}
