import { PERMIT_MODELS } from '../redis/permit-models.js';
import type { ScriptModel } from '../redis/script-model.js';
import { quiet, seeing } from './faulty-scripts.js';
import { keepingPlace } from './faulty-waiting.js';
import { SINGLE, type ListedMutation } from './mutation.js';

const { ACQUIRE_PERMITS: acquire, RELEASE_PERMITS: release } = PERMIT_MODELS as Record<string, ScriptModel>;

/** How many arguments ACQUIRE_PERMITS has before those of the requests, and for each. */
const COMMON = 4;
const EACH = 5;

/** One permit more than there are. */
const acquireOneMore: ScriptModel = (keys, args, redis, publish) =>
  acquire!(
    keys,
    args.map((value, index) => (index >= COMMON && (index - COMMON) % EACH === 2 ? Number(value) + 1 : value)),
    redis,
    publish,
  );

const acquireWithoutTakingBack = seeing(acquire!, (redis) => ({
  zrange: (key) => redis.zrange(key).map(([member, score]) => [member, score + 1e9]),
}));

/** The permits of the first owner, whoever that is. */
const releaseAny: ScriptModel = (keys, args, redis, publish) => {
  const [member] = redis.zrange(keys[1]!)[0] ?? [];
  return release!(keys, member === undefined ? args : args.with(3, member.slice(0, 28)), redis, publish);
};

/** Faults in what is special about semaphores. */
export const PERMIT_MUTATIONS: readonly ListedMutation[] = [
  { name: 'one permit more than there are', nodes: SINGLE, permits: 2, models: { ACQUIRE_PERMITS: acquireOneMore } },
  {
    name: 'permits whose lease has ended are not taken back',
    nodes: SINGLE,
    permits: 2,
    models: { ACQUIRE_PERMITS: acquireWithoutTakingBack },
  },
  { name: 'the release of permits of any owner', nodes: SINGLE, permits: 2, models: { RELEASE_PERMITS: releaseAny } },
  {
    name: 'no notification when permits are returned',
    nodes: SINGLE,
    permits: 2,
    models: { RELEASE_PERMITS: quiet(release!) },
  },
  {
    name: 'a waiter keeps its place when it leaves',
    nodes: SINGLE,
    permits: 2,
    replacements: [keepingPlace],
  },
];
