import type { Keyspace } from '../redis/keyspace.js';
import { sideKeyOf, type Argument, type ScriptModel } from '../redis/script-model.js';
import { acquire, grant, mark, renew } from '../redis/script-models.js';

/** The script sees other keys than there are, or leaves other keys behind. */
export function seeing(
  model: ScriptModel,
  changed: (redis: Keyspace, args: readonly Argument[]) => Partial<Keyspace>,
): ScriptModel {
  return (keys, args, redis, publish) =>
    model(keys, args, Object.setPrototypeOf(changed(redis, args), redis) as Keyspace, publish);
}

/** Notifies nobody. */
export function quiet(model: ScriptModel): ScriptModel {
  return (keys, args, redis) => model(keys, args, redis, () => 0);
}

/** Deletes the lock of any holder. */
export const releaseUnchecked: ScriptModel = (keys, args, redis, publish) =>
  keys.flatMap((key) => [redis.del(key) ? 1 : 0, publish(sideKeyOf(key, String(args[1])), '0')]);

/** Tokens come from the stored counter only, as a plain INCR would issue them. */
export const acquireByCounter = seeing(acquire, () => ({ time: () => 1 }));

/** The owner that already holds the lock is told that the lock is taken. */
export const acquireOnce: ScriptModel = (keys, args, redis, publish) => {
  const held = keys.some((key, i) => i % 2 === 0 && redis.hexists(key, String(args[3 + i / 2])));
  return held
    ? keys.filter((_, i) => i % 2 === 0).flatMap((key) => [0, redis.pttl(key)])
    : acquire(keys, args, redis, publish);
};

/** Sets the lease, also when the present one lasts longer. */
export function always(model: ScriptModel): ScriptModel {
  return seeing(model, (redis) => ({ pttl: (key) => Math.min(redis.pttl(key), 0) }));
}

/** A request for an exact length sets it, also when a later request has arrived before. */
export const renewUnnumbered: ScriptModel = (keys, args, redis, publish) =>
  (args[2] === 1 ? always(renew) : renew)(keys, args, redis, publish);

/** Takes the proposed token, as if the server's clock said the same. */
export const grantAnyToken: ScriptModel = (keys, [ttl, key, id, ...args], redis, publish) =>
  keys.flatMap((_, i) => {
    if (i % 2 === 1) return [];
    const own = args.slice(2 * i, 2 * i + 4);
    const agreeing = seeing(grant, () => ({ time: () => Number(own[3]) }));
    const reply = agreeing([keys[i]!, keys[i + 1]!], [ttl!, key!, id!, ...own], redis, publish);
    return Array.isArray(reply) ? (reply as number[]) : [1, Number(reply)];
  });

/** Gives votes with any marker. */
export function withoutMarker(model: ScriptModel): ScriptModel {
  return (keys, [ttl, , , ...args], redis, publish) => model(keys, [ttl!, '', '', ...args], redis, publish);
}

/** Takes the stored marker for that of this server process. */
export const markAnyProcess: ScriptModel = (keys, [run, ...args], redis, publish) => {
  const [stored] = redis.hgetall(keys[0]!);
  return mark(keys, [stored?.[1].split(' ')[0] ?? run!, ...args], redis, publish);
};
