import type * as memoryState from '../../../lib/stores/memory/memory-state.js';
import type * as script from '../../../lib/stores/redis/lua/script.js';
import { FairWatch } from './fair-watch.js';
import { FaultInjector } from './faults.js';
import { LOCK, type Kind } from './kind.js';
import { SimProcess } from './kernel/sim-process.js';
import { World } from './kernel/world.js';
import { LatchWatch } from './latch-watch.js';
import { LibrarySlot, type LibraryCode } from './library/loader.js';
import { Leftovers } from './leftovers.js';
import { viewOf, type LockView } from './lock-view.js';
import { MemoryServer } from './memory-server.js';
import { Oracle, type LockServer } from './oracle.js';
import type { ScriptModel } from './redis/script-model.js';
import { SCRIPT_MODELS } from './redis/script-models.js';
import { SimNode, type ScriptBook } from './redis/sim-node.js';
import { KEY_PREFIX, Replica } from './replica.js';
import { Refusals } from './refusals.js';
import type { StoreWatch } from './store-watch.js';
import { leavesMajority, OPENING, PROCESSES, type Schedule } from './schedule.js';

/** Clocks run this much too fast or too slow at most, so that any two drift apart by less than 1 %. */
const DRIFT = 0.004;
/** How far clocks stand from the true time at first, in ms. A quorum's tokens do not depend on it. */
const SKEW_MS = 20;
const LARGE_SKEW_MS = 1_000;
/** After everything healed all callers have to be served in this time, in µs. */
const SERVED_US = 300_000_000;

/** What processes use of the library: with these all of it is loaded. */
const LOADED = [
  'lock.service',
  'options/service-options',
  ...['memory/memory-state', 'memory/memory-store', 'quorum/quorum-store', 'redis/redis-store'].map(
    (file) => `stores/${file}`,
  ),
];

export interface Outcome {
  readonly violations: readonly string[];
  readonly counts: Oracle['counts'];
  readonly outcomes: ReadonlyMap<string, number>;
  readonly steps: number;
  readonly trace: readonly string[];
}

/** The library, loaded for as many processes as a schedule has. Made once, used for many schedules. */
export class Simulation {
  private readonly slots: readonly LibrarySlot[];
  private readonly book: ScriptBook;

  /** @param nodes how many Redis nodes; 0: the memory store, whose services are in one process */
  constructor(
    readonly nodes: number,
    code: LibraryCode,
    models: Readonly<Record<string, ScriptModel>> = {},
    readonly kind: Kind = LOCK,
  ) {
    const one = new LibrarySlot(code);
    this.slots = Array.from({ length: PROCESSES }, () => (nodes === 0 ? one : new LibrarySlot(code)));
    for (const slot of this.slots) for (const file of LOADED) slot.load(file);
    this.book = scriptBook(this.slots[0]!, { ...SCRIPT_MODELS, ...models });
  }

  async run(schedule: Schedule, traced = false): Promise<Outcome> {
    const world = new World(schedule.seed, traced);
    const servers: LockServer[] = [];
    const ids: SimProcess[] = [];
    const view = viewOf(this.kind, () => ids.flatMap((process) => process.ids));
    const oracle = new Oracle(world, servers, view, this.kind.permits ?? 1);
    const onUnhandled = (error: unknown): void => oracle.violate(`unhandled rejection: ${String(error)}`);
    process.on('unhandledRejection', onUnhandled);
    try {
      return await this.runIn(world, oracle, servers, schedule, view, ids);
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
  }

  private openMemory(process: SimProcess): MemoryServer {
    const [slot] = this.slots as [LibrarySlot];
    slot.bind(process);
    const { MemoryState } = slot.load('stores/memory/memory-state') as typeof memoryState;
    return new MemoryServer(process, new MemoryState(), KEY_PREFIX);
  }

  private async runIn(
    world: World,
    oracle: Oracle,
    servers: LockServer[],
    schedule: Schedule,
    view: LockView,
    processes: SimProcess[],
  ): Promise<Outcome> {
    const large = this.nodes > 1 && world.random('environment').chance(0.5);
    const environment = { drift: DRIFT, skewMs: large ? LARGE_SKEW_MS : SKEW_MS };
    const fair = this.kind.mode === 'fair' ? new FairWatch(world, oracle) : null;
    const latches = this.kind.mode === 'latch' ? new LatchWatch(world, oracle, servers) : null;
    const watch = fair ?? latches;
    const book = watch === null ? this.book : watchedBook(this.book, watch);
    const nodes = Array.from({ length: this.nodes }, (_, id) => new SimNode(world, id, book, environment));
    const memory = this.nodes === 0 ? this.openMemory(new SimProcess(world, 0, environment)) : null;
    if (fair !== null) {
      fair.clock = memory === null ? () => Math.floor(nodes[0]!.clockUs() / 1_000) : () => memory.process.mono();
      if (memory !== null) fair.watchState(memory.state);
    }
    servers.push(...(memory === null ? nodes : [memory]));
    const replicas: Replica[] = [];
    const refusals = new Refusals(world, oracle);
    const served = this.nodes > 1 && leavesMajority(schedule, this.nodes);
    const faults = new FaultInjector(world, replicas, nodes, oracle, memory);
    for (const [id, slot] of this.slots.entries()) {
      const owner = memory?.process ?? new SimProcess(world, id, environment);
      const extraUs = (node: number): number => faults.extraUs(node);
      processes.push(owner);
      replicas.push(
        new Replica(owner, slot, nodes, schedule.client, oracle, refusals, extraUs, memory, this.kind, watch),
      );
    }
    faults.planAll(schedule.faults);
    const toCome = new Set([...schedule.calls, ...(latches === null ? [] : OPENING)]);
    for (const call of toCome) {
      const { process, callers } = replicas[call.process]!;
      const begin = (): void => {
        toCome.delete(call);
        callers.start(call);
      };
      world.at(call.at * 1_000 + (call.late ? faults.recoveredAt : 0), () => process.deliver('message', begin));
    }

    const leftovers = new Leftovers(world, oracle, servers, replicas, faults, view, this.kind);
    const look = (): void => oracle.look();
    const living = (): Replica[] => replicas.filter(({ process }) => process.alive);
    const done = (): boolean =>
      world.now >= faults.healedAt &&
      living().every(({ callers }) => callers.open.size === 0) &&
      [...toCome].every((call) => !replicas[call.process]!.process.alive);
    leftovers.watchFreeLocks(served, done);
    await world.run(faults.healedAt + SERVED_US, done, look);
    for (const { callers } of living()) {
      for (const caller of callers.open) oracle.violate(`${caller} was forgotten: neither served nor refused`);
    }
    if (served) refusals.check();
    if (oracle.violations.length === 0) await leftovers.check(look);
    const outcomes = new Map<string, number>();
    for (const { callers } of replicas) {
      for (const [outcome, count] of callers.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
    }
    for (const [what, count] of Object.entries(latches?.counts ?? {})) outcomes.set(what, count);
    return { violations: oracle.violations, counts: oracle.counts, outcomes, steps: world.steps, trace: world.trace };
  }
}

function watchedBook(book: ScriptBook, watch: StoreWatch): ScriptBook {
  return new Map([...book].map(([sha, each]) => [sha, { ...each, model: watch.watched(each.name, each.model) }]));
}

/** The library's scripts, and what each does here. */
function scriptBook(slot: LibrarySlot, models: Readonly<Record<string, ScriptModel>>): ScriptBook {
  const { Script } = slot.load('stores/redis/lua/script') as typeof script;
  const files = [
    ...['acquire', 'renew', 'release', 'inspect', 'force-release'],
    ...['acquire-permits', 'renew-permits', 'release-permits', 'inspect-permits', 'kind'],
    ...['acquire-read-write', 'renew-read-write', 'release-read-write', 'acquire-fair', 'release-fair', 'latch'],
  ].map((file) => `stores/redis/lua/${file}`);
  const ofNodes = ['confirm', 'grant', 'mark'].map((file) => `stores/quorum/lua/${file}`);
  const sources = [...files, ...ofNodes].map((file) => slot.load(`${file}.lua`) as object);
  const book = new Map(
    sources
      .flatMap((source) => Object.entries(source) as [string, string][])
      .map(([name, lua]) => {
        const model = models[name];
        if (model === undefined) throw new Error(`the simulation has no model of the script ${name}`);
        const { sha1, source } = new Script(lua);
        return [sha1, { name, source, model }] as const;
      }),
  );
  // A script that is missing here is one that every simulated node would refuse.
  if (book.size !== Object.keys(models).length)
    throw new Error('the simulation does not load every script it has a model of');
  return book;
}
