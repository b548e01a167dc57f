import type { LocalHolds } from '../../../../lib/waiting/local-holds.js';
import type { Sharing } from '../../../../lib/waiting/sharing.js';
import { replace } from '../library/replacement.js';
import { READ_WRITE_MODELS } from '../redis/read-write-models.js';
import { writes } from '../redis/read-write-keys.js';
import type { Argument, ScriptModel } from '../redis/script-model.js';
import { always, quiet, seeing } from './faulty-scripts.js';
import { keepingLatePlace, keepingPlace } from './faulty-waiting.js';
import { MEMORY, SINGLE, type ListedMutation } from './mutation.js';
import { LATE_PLACE } from './script-schedules.js';
import { WRITER_BETWEEN } from './waiting-schedules.js';

const {
  ACQUIRE_READ_WRITE: acquire,
  RENEW_READ_WRITE: renew,
  RELEASE_READ_WRITE: release,
} = READ_WRITE_MODELS as Record<string, ScriptModel>;

const IN_MEMORY = 'stores/memory/memory-read-write';

/** Where the first request's owner and whether it waits are among the arguments of ACQUIRE_READ_WRITE. */
const [OWNER, WAITS] = [2, 4];

const writesIn = (args: readonly Argument[]): boolean => writes(String(args[OWNER]));

/** A caller that reads takes any lock for one that is read. */
const readBesideWriter = seeing(acquire!, (redis, args) =>
  writesIn(args)
    ? {}
    : { hgetall: (key) => redis.hgetall(key).map(([field, value]) => [field, field === 'mode' ? 'read' : value]) },
);

/** A caller that writes takes a lock that is read for a free one. */
const writeBesideReaders = seeing(acquire!, (redis, args) => {
  const hidden = (key: string): boolean => writesIn(args) && redis.hgetall(key).some(([, mode]) => mode === 'read');
  return {
    pttl: (key) => (redis.type(key) === 'hash' && hidden(key) ? -2 : redis.pttl(key)),
    hgetall: (key) => (hidden(key) ? [] : redis.hgetall(key)),
  };
});

const deaf = seeing(acquire!, (redis, args) => ({
  get: (key) => {
    const text = redis.get(key);
    if (text === null || writesIn(args) || !key.startsWith('lock_order:')) return text;
    return text.replaceAll(/[^;]+:write:\d+:\d+;/g, '');
  },
}));

const withoutPlace: ScriptModel = (keys, args, redis, publish) =>
  acquire!(keys, writesIn(args) ? args.with(WAITS, 0) : args, redis, publish);

const releaseAll: ScriptModel = (keys, args, redis, publish) => {
  const reply = release!(keys, args, redis, publish);
  redis.del(keys[0]!);
  return reply;
};

/** Of the scripts that renew, only this one removes readers whose leases have ended. */
const endForAll = seeing(renew!, (redis) => ({ hdel: (key) => redis.del(key) }));

/** Faults in what is special about read-write locks. */
export const READ_WRITE_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'a reader is let in beside a writer',
    nodes: SINGLE,
    mode: 'read-write',
    models: { ACQUIRE_READ_WRITE: readBesideWriter },
  },
  {
    name: 'a writer is let in beside readers',
    nodes: SINGLE,
    mode: 'read-write',
    models: { ACQUIRE_READ_WRITE: writeBesideReaders },
  },
  {
    name: 'a reader’s release frees the lock although others read',
    nodes: SINGLE,
    mode: 'read-write',
    models: { RELEASE_READ_WRITE: releaseAll },
  },
  {
    name: 'the end of one reader’s lease frees the others’ lock',
    nodes: SINGLE,
    mode: 'read-write',
    models: { RENEW_READ_WRITE: endForAll },
  },
  {
    name: 'a reader with a short lease ends the lock of the others',
    nodes: SINGLE,
    mode: 'read-write',
    models: { ACQUIRE_READ_WRITE: always(acquire!) },
  },
  {
    name: 'no notification when readers or a writer leave',
    nodes: SINGLE,
    mode: 'read-write',
    models: { RELEASE_READ_WRITE: quiet(release!) },
  },
  {
    name: 'a writer gets no place among the waiters',
    nodes: SINGLE,
    mode: 'read-write',
    models: { ACQUIRE_READ_WRITE: withoutPlace },
  },
  {
    name: 'readers overtake a writer who waits',
    nodes: SINGLE,
    mode: 'read-write',
    models: { ACQUIRE_READ_WRITE: deaf },
  },
  {
    name: 'a waiter that leaves keeps its place',
    nodes: SINGLE,
    mode: 'read-write',
    replacements: [keepingPlace],
  },
  {
    name: 'a place is not taken back that a closed connection brings late',
    nodes: SINGLE,
    mode: 'write',
    replacements: [keepingLatePlace],
    examples: LATE_PLACE,
  },
  {
    name: 'readers of a process never ask whether a writer waits',
    nodes: [0, 1],
    mode: 'read-write',
    replacements: [
      replace<Sharing['renew'], Sharing>('waiting/sharing', 'Sharing.renew', () => () => Promise.resolve(true)),
    ],
    examples: [WRITER_BETWEEN],
  },
  {
    name: 'a shared hold is released although callers of the process still use it',
    nodes: [0, 1],
    mode: 'read-write',
    replacements: [
      replace<LocalHolds['releaseShared'], LocalHolds>('waiting/local-holds', 'LocalHolds.releaseShared', () => {
        return function (hold, keepMs, observer) {
          return this['giveBack'](hold, keepMs, observer);
        };
      }),
    ],
  },
  {
    name: 'no waiter goes before others in memory',
    nodes: MEMORY,
    mode: 'read-write',
    replacements: [replace(IN_MEMORY, 'blockerOf', () => () => undefined)],
  },
  {
    name: 'a writer in memory counts as a reader',
    nodes: MEMORY,
    mode: 'read-write',
    replacements: [replace(IN_MEMORY, 'writes', () => () => false)],
  },
];
