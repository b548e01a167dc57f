import type { MemoryServer } from './memory-server.js';
import type { SimNode } from './redis/sim-node.js';
import type { Oracle } from './oracle.js';
import type { Replica } from './replica.js';
import { SilentListeners } from './silent-listeners.js';
import type { Fault } from './schedule.js';
import type { World } from './kernel/world.js';

/** A server that was flushed answers nobody for this long, in µs: tokens of a block may be that much ahead of its clock. */
const FLUSH_US = 1_000;

/** After a fault, connections come back and pauses between tries end in this time, in µs. */
const RECOVERY_US = 3_000_000;
/** What does not touch requests is over sooner. */
const SHORT_RECOVERY_US = 400_000;
/** A direction that is held back for so long, in ms, fails no request on a single node. */
const SHORT_HOLD_MS = 40;
/** A node that may have lost its state has no vote for `RESTART_GUARD_MS`, by the slowest clock. */
const GUARD_US = 23_000_000;
/** A lost marker is looked for this often, in µs, if nobody asks for a vote. */
const NOTICED_US = 11_000_000;
const LOSSES = new Set<Fault['kind']>(['crash', 'power-cut', 'failover', 'flush', 'replace', 'set-clock']);

/** Makes a schedule's faults happen, and heals them. */
export class FaultInjector {
  /** The time from which on everything is as it should be, in µs. */
  healedAt = 0;
  /** The time from which on all have found back, in µs: connections are up, nobody pauses, and every node has its vote. */
  recoveredAt = 60_000;
  readonly silent: SilentListeners;
  private readonly extra: number[];
  /** Processes whose wall clock is set back. Their machines do not sleep: no clock would tell how long. */
  private readonly setBack = new Set<number>();
  /** Whether clocks of processes are set. Those of nodes are not then: one clock of two may be wrong. */
  private clientClocksSet = false;
  /** The nodes that are down and come back without their data. */
  private readonly losing = new Set<number>();
  /** How many faults of a kind a thing suffers now: they may overlap, and only the end of the last heals it. */
  private readonly active = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly replicas: readonly Replica[],
    private readonly nodes: readonly SimNode[],
    private readonly oracle: Oracle,
    private readonly memory: MemoryServer | null,
  ) {
    this.extra = nodes.map(() => 0);
    this.silent = new SilentListeners(world, oracle);
  }

  extraUs(node: number): number {
    return this.extra[node] ?? 0;
  }

  planAll(faults: readonly Fault[]): void {
    for (const fault of faults) if (fault.kind === 'wall-step' && fault.by < 0) this.setBack.add(fault.process);
    this.clientClocksSet = faults.some(({ kind }) => kind === 'wall-step');
    for (const fault of faults) this.plan(fault);
  }

  private plan(fault: Fault): void {
    const from = fault.at * 1_000;
    this.healedAt = Math.max(this.healedAt, from + fault.ms * 1_000 + ('lag' in fault ? fault.lag * 1_000 : 0));
    const short =
      ['pause', 'kill', 'script-flush', 'vanish', 'forget'].includes(fault.kind) ||
      (fault.kind === 'cut' && fault.which === 'notices') ||
      (fault.kind === 'hold' && !fault.thenCut && fault.ms <= SHORT_HOLD_MS);
    const recovery = short ? SHORT_RECOVERY_US : RECOVERY_US;
    const guard = LOSSES.has(fault.kind) && this.nodes.length > 1 ? NOTICED_US + GUARD_US : 0;
    this.recoveredAt = Math.max(this.recoveredAt, this.healedAt + recovery + guard);
    this.world.at(from, () => {
      if (this.world.traced) this.world.log(`FAULT ${JSON.stringify(fault)}`);
      this.begin(fault);
    });
  }

  private begin(fault: Fault): void {
    const process = 'process' in fault ? this.replicas[fault.process]!.process : null;
    const node = 'node' in fault ? this.nodes[fault.node]! : null;
    const link = 'process' in fault && 'node' in fault ? this.replicas[fault.process]!.links[fault.node]! : null;
    const { kind, ms } = fault;
    switch (kind) {
      case 'cut':
        link!.cut(fault.which, ms * 1_000);
        break;
      case 'vanish':
        for (const connection of link!.vanish()) this.silent.watch(connection, this.replicas[fault.process]!);
        break;
      case 'hold':
        link!.hold(fault.direction !== 'replies', fault.direction !== 'requests');
        this.lasting(`hold ${fault.process} ${fault.node}`, ms, () => {
          if (fault.thenCut) link!.cut('both', 0);
          link!.unhold();
        });
        break;
      case 'isolate':
        for (const [index, each] of this.replicas[fault.process]!.links.entries()) {
          if (index === fault.spared) continue;
          each.hold(true, true);
          this.lasting(`hold ${fault.process} ${index}`, ms, () => each.unhold());
        }
        break;
      case 'refuse':
        link!.refused = true;
        link!.cut('both', 0);
        this.lasting(`refuse ${fault.process} ${fault.node}`, ms, () => (link!.refused = false));
        break;
      case 'slow':
        this.extra[fault.node] = fault.extra * 1_000;
        this.lasting(`slow ${fault.node}`, ms, () => (this.extra[fault.node] = 0));
        break;
      case 'stall':
        node!.stall();
        this.lasting(`stall ${fault.node}`, ms, () => node!.unstall());
        break;
      case 'crash':
        this.crash(fault.node, ms, fault.keep, () => undefined);
        break;
      case 'power-cut':
        for (const index of this.nodes.keys()) this.crash(index, ms, false, () => undefined);
        break;
      case 'failover': {
        // What is written from now on never reaches the replica that takes over.
        const takeOver = node!.keys.snapshot();
        this.world.after(fault.lag * 1_000, () => this.crash(fault.node, Math.max(ms, 2), false, takeOver));
        this.oracle.broughtBack = true;
        break;
      }
      case 'flush':
        node!.flush();
        if (this.nodes.length > 1) break;
        this.oracle.stateLost();
        node!.stall();
        this.lastingUs(`stall ${fault.node}`, FLUSH_US, () => node!.unstall());
        break;
      case 'forget':
        this.memory!.state.flush();
        this.oracle.stateLost();
        break;
      case 'deny-info':
        node!.infoDenied = true;
        this.lasting(`deny-info ${fault.node}`, ms, () => (node!.infoDenied = false));
        break;
      case 'rename':
        link!.lead(this.nodes[fault.to]!);
        // A vote on the server that the name led to cannot be given back under that name.
        this.oracle.broughtBack = true;
        this.lasting(`rename ${fault.process} ${fault.node}`, ms, () => link!.lead(node!));
        break;
      case 'replace':
        node!.replace();
        break;
      case 'set-clock':
        // Leases on the node would end early, which no promise covers: it has none, since it has just lost its state.
        node!.replace();
        if (!this.clientClocksSet) this.world.after(ms * 1_000, () => node!.setClock(fault.ahead));
        break;
      case 'script-flush':
        node!.flushScripts();
        break;
      case 'pause':
        process!.pause(fault.asleep && !this.setBack.has(fault.process));
        this.lasting(`pause ${fault.process}`, ms, () => process!.resume(fault.first));
        break;
      case 'wall-step':
        process!.stepWall(fault.by);
        break;
      case 'kill':
        if (!process!.alive) break;
        process!.kill();
        this.oracle.killed(process!);
        for (const each of this.replicas[fault.process]!.links) each.cut('both', 0);
        break;
    }
  }

  private crash(index: number, ms: number, keep: boolean, restore: () => void): void {
    const node = this.nodes[index]!;
    node.crash();
    if (!keep) this.losing.add(index);
    if (!keep && this.nodes.length === 1) this.oracle.stateLost();
    this.lasting(`crash ${index}`, ms, () => {
      const isLost = this.losing.delete(index);
      node.restart(!isLost);
      if (!isLost) return;
      restore();
      if (this.nodes.length === 1) this.oracle.stateLost();
    });
  }

  private lasting(what: string, ms: number, heal: () => void): void {
    this.lastingUs(what, ms * 1_000, heal);
  }

  private lastingUs(what: string, us: number, heal: () => void): void {
    this.active.set(what, (this.active.get(what) ?? 0) + 1);
    this.world.after(us, () => {
      const left = this.active.get(what)! - 1;
      this.active.set(what, left);
      if (left > 0) return;
      this.world.log(`HEALED ${what}`);
      heal();
    });
  }
}
