import type { Keyspace } from './keyspace.js';
import { PERMIT_MODELS } from './permit-models.js';
import { leftOf, timeoutsOf } from './read-write-keys.js';
import { READ_WRITE_MODELS } from './read-write-models.js';
import { FAIR_MODELS } from './fair-models.js';
import { LATCH_MODELS } from './latch-models.js';
import { take, takeOrFindTaken } from './take.js';
import { each, sideKeyOf, type Argument, type ScriptModel } from './script-model.js';

export const acquire: ScriptModel = (keys, args, redis) => {
  const clock = redis.time();
  const lease = Number(args[1]);
  return each(keys.length / 2, (i) => {
    const [lock, counter] = [keys[2 * i]!, keys[2 * i + 1]!];
    const owner = String(args[3 + i]);
    const tokens = Number(args[2] === '' ? args[3 + keys.length / 2 + i] : args[2]);
    return takeOrFindTaken({ lock, counter, owner, lease, tokens, ttl: Number(args[0]) }, clock, redis);
  });
};

/** A proposed token counts where it is this near to the server's clock, in µs. */
const NEAR_US = 100_000;

/** Whether a node still has the marker that a vote names. */
function checkMarker(args: readonly Argument[], redis: Keyspace): void {
  const [, key, id] = args.map(String) as [string, string, string];
  if (key !== '' && !redis.hexists(key, id)) throw new Error('NOMARKER the node has lost its state');
}

export const mark: ScriptModel = (keys, args, redis) => {
  const [marker] = keys as [string];
  const [run, newId] = args.map(String) as [string, string];
  const [wall, now] = [Number(args[2]), Math.floor(redis.time() / 1_000)];
  const fields = redis.hgetall(marker);
  const [id, value] = fields[0] ?? ['', ''];
  const [, of, server, client] = /^(\S*) (\d+) (\d+)$/.exec(value) ?? [];
  const write = (field: string, byServer: number, byClients: number): unknown => {
    redis.hset(marker, field, `${run} ${byServer} ${byClients}`);
    return [field, now - byServer, wall - byClients];
  };
  if (fields.length === 1 && of === run) {
    if (Number(server) <= now && Number(client) <= wall) return [id, now - Number(server), wall - Number(client)];
    return write(id, Math.min(Number(server), now), Math.min(Number(client), wall));
  }
  redis.del(marker);
  return write(newId, now, wall);
};

export const grant: ScriptModel = (keys, args, redis) => {
  checkMarker(args, redis);
  const clock = redis.time();
  return each(keys.length / 2, (i) => {
    const [lock, counter] = [keys[2 * i]!, keys[2 * i + 1]!];
    const owner = String(args[4 * i + 3]);
    const [lease, tokens, proposal] = args.slice(4 * i + 4, 4 * i + 7).map(Number) as [number, number, number];
    const left = redis.pttl(lock);
    if (left !== -2) {
      if (!redis.hexists(lock, owner)) return [0, `${left} ${redis.hgetall(lock)[0]![0]}`];
      if (left < lease) redis.pexpire(lock, lease);
      const last = redis.get(counter);
      if (last !== null) return [1, Number(last) - tokens + 1];
    }
    const proposed = Math.abs(proposal - clock) <= NEAR_US ? proposal : clock;
    return take({ lock, counter, owner, lease, tokens, ttl: Number(args[0]) }, proposed, redis);
  });
};

export const confirm: ScriptModel = (keys, args, redis) => {
  checkMarker(args, redis);
  return each(keys.length / 2, (i) => {
    const [lock, counter] = [keys[2 * i]!, keys[2 * i + 1]!];
    const [owner, last, lease] = args.slice(3 * i + 3, 3 * i + 6).map(String) as [string, string, string];
    const held = redis.hexists(lock, owner);
    if (!held && (lease === '0' || redis.pttl(lock) !== -2)) return [0, 0];
    const stored = redis.get(counter);
    if (held && lease === '0' && stored !== null && Number(stored) > Number(last)) return [0, 0];
    if (stored === null || Number(stored) < Number(last)) redis.set(counter, last, Number(args[0]));
    if (held) return [1, 0];
    redis.hset(lock, owner, '1');
    redis.pexpire(lock, Number(lease));
    return [1, 0];
  });
};

export const renew: ScriptModel = (keys, args, redis) =>
  each(keys.length, (i) => {
    const lock = keys[i]!;
    const counter = sideKeyOf(lock, String(args[3]));
    const [owner, number, lease] = [String(args[2 * i + 4]), Number(args[2 * i + 5]), Number(args[1])];
    const value = redis.hgetall(lock).find(([field]) => field === owner)?.[1] ?? '0';
    if (value === '0') return [0, 0];
    const newer = number > Number(/\.(\d+)$/.exec(value)?.[1] ?? 0);
    if (newer) redis.hset(lock, owner, `1.${number}`);
    redis.pexpire(counter, Number(args[0]));
    if ((newer && String(args[2]) === '1') || redis.pttl(lock) < lease) redis.pexpire(lock, lease);
    return [1, 0];
  });

export const release: ScriptModel = (keys, args, redis, publish) =>
  each(keys.length, (i) => {
    const lock = keys[i]!;
    const [owner, keep] = [String(args[2 + i]), String(args[0])];
    const channel = args[1] === '' ? '' : sideKeyOf(lock, String(args[1]));
    const held = keep === '0' ? redis.hdel(lock, owner) : redis.hexists(lock, owner);
    if (!held) {
      if (channel !== '' && redis.pttl(lock) === -2) publish(channel, '0');
      return [0, 0];
    }
    if (keep !== '0') {
      redis.hset(lock, owner, '0');
      redis.pexpire(lock, Number(keep));
    }
    return [1, channel === '' ? 0 : publish(channel, '0')];
  });

/** '' where there is no text. */
function textOf(get: () => string | null): string {
  try {
    return get() ?? '';
  } catch {
    return '';
  }
}

export const inspect: ScriptModel = (keys, args, redis) => {
  const left = redis.pttl(keys[0]!);
  const token = textOf(() => redis.get(sideKeyOf(keys[0]!, String(args[0]))));
  if (left === -2) return ['', 0, left, token, ''];
  const fields = redis.hgetall(keys[0]!);
  const mode = fields.find(([field]) => field === 'mode')?.[1] ?? '';
  const holders = fields.filter(
    ([field, value]) => field !== 'mode' && (mode !== 'read' || leftOf(keys[0]!, field, value, redis) !== -2),
  );
  const holds = holders.reduce((sum, [, value]) => sum + Math.floor(Number(value) || 0), 0);
  return [holders[0]?.[0] ?? '', holds, left, token, mode];
};

export const forceRelease: ScriptModel = (keys, args, redis, publish) => {
  const lock = keys[0]!;
  const isReadWrite = redis.hexists(lock, 'mode');
  const fields = redis.hgetall(lock);
  if (!redis.del(lock)) return 0;
  if (isReadWrite)
    for (const [owner, holds] of fields) for (const key of timeoutsOf(lock, owner, holds)) redis.del(key);
  publish(sideKeyOf(lock, String(args[isReadWrite ? 1 : 0])), isReadWrite ? '1' : '0');
  return 1;
};

/** By the name under which `library/scripts.ts` finds the script. */
export const SCRIPT_MODELS: Readonly<Record<string, ScriptModel>> = {
  ACQUIRE: acquire,
  GRANT: grant,
  RENEW: renew,
  RELEASE: release,
  INSPECT: inspect,
  FORCE_RELEASE: forceRelease,
  CONFIRM: confirm,
  MARK: mark,
  ...PERMIT_MODELS,
  ...READ_WRITE_MODELS,
  ...FAIR_MODELS,
  ...LATCH_MODELS,
};
