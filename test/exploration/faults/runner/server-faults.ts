import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../../support/redis-node.js';
import type { Dice } from './dice.js';
import { served, type Fault } from './fault.js';
import { startAgain } from './ways.js';

/** Asks a server something although it may be in a bad way. */
export async function onServer(server: RedisServer, ...command: [string, ...(string | number)[]]): Promise<unknown> {
  const [name, ...args] = command;
  const client = server.client({ commandTimeout: 10_000, maxRetriesPerRequest: 2 });
  try {
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

/** A connection that is silent is noticed and replaced, and all waiters are served, within this time, in ms. */
export const REPLACED_MS = 5_000;

/** Which server it meets this time. */
export type Pick = (dice: Dice) => RedisServer | Promise<RedisServer>;

/** What may happen to any server that takes writes, and leaves its data alone. */
export function harmlessFaults(pick: Pick): Fault[] {
  const fault = (what: string, weight: number, happen: Fault['happen']): Fault => ({
    ...{ what, weight, happen, losesState: false },
  });
  return [
    fault('Redis node stopped and continued', 3, async (dice) => {
      const server = await pick(dice);
      server.freeze();
      await sleep(dice.whole(50, 1_500));
      server.thaw();
    }),
    fault('DEBUG SLEEP', 2, async (dice) => {
      const seconds = dice.whole(5, 120) / 100;
      await onServer(await pick(dice), 'DEBUG', 'SLEEP', seconds);
    }),
    fault('CLIENT PAUSE', 2, async (dice) => {
      const server = await pick(dice);
      const ms = dice.whole(50, 1_200);
      await onServer(server, 'CLIENT', 'PAUSE', ms, dice.one(['WRITE', 'ALL']));
      await sleep(ms);
    }),
    fault('CLIENT KILL', 3, async (dice) => {
      const type = dice.one(['normal', 'pubsub']);
      await onServer(await pick(dice), 'CLIENT', 'KILL', 'TYPE', type);
    }),
    fault('maxmemory reached, writes refused', 2, async (dice) => {
      const server = await pick(dice);
      await onServer(server, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      await onServer(server, 'CONFIG', 'SET', 'maxmemory', 1);
      await sleep(dice.whole(50, 1_000));
      await onServer(server, 'CONFIG', 'SET', 'maxmemory', 0);
    }),
  ];
}

/** What costs callers nothing. */
export function scriptFaults(pick: Pick): Fault[] {
  const happen: Fault['happen'] = async (dice) => {
    await onServer(await pick(dice), 'SCRIPT', 'FLUSH');
  };
  return served([{ what: 'SCRIPT FLUSH', weight: 2, losesState: false, happen }], 0);
}

/** What makes a server forget. */
export function forgettingFaults(pick: Pick, losesState: boolean): Fault[] {
  return [evictionFault(pick, losesState), flushFault(pick, losesState)];
}

export function evictionFault(pick: Pick, losesState: boolean): Fault {
  return {
    what: 'eviction of all keys',
    weight: 1,
    losesState,
    happen: async (dice) => {
      const server = await pick(dice);
      await onServer(server, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random');
      await onServer(server, 'CONFIG', 'SET', 'maxmemory', 1);
      await sleep(dice.whole(20, 300));
      await onServer(server, 'CONFIG', 'SET', 'maxmemory', 0);
      await onServer(server, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    },
  };
}

export function flushFault(pick: Pick, losesState: boolean): Fault {
  return {
    what: 'FLUSHALL',
    weight: 1,
    losesState,
    happen: async (dice) => {
      await onServer(await pick(dice), 'FLUSHALL');
    },
  };
}

export function restartFault(pick: Pick, losesState: boolean): Fault {
  return {
    what: 'Redis node killed and restarted without persistence',
    weight: 2,
    losesState,
    happen: async (dice) => {
      const server = await pick(dice);
      await server.kill();
      await sleep(dice.whole(0, 800));
      await startAgain(server);
    },
  };
}

/**
 * @param clock sets the clock of that one server
 * @param losesState whether a clock that is set forward ends leases here
 */
export function serverClockFault(clock: (ms: number) => void, losesState: boolean): Fault {
  return {
    what: "a server's clock set forward or back",
    weight: 2,
    losesState,
    happen: async (dice) => {
      const step = dice.one([-1, 1]) * dice.whole(100, 3_000);
      clock(step);
      await sleep(dice.whole(50, 1_500));
      clock(0);
      // Tokens are stamps of the server's clock. While that is behind the last of them, a loss of all keys would take
      // them back; the README says so.
      await sleep(Math.abs(step));
    },
  };
}
