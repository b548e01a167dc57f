import type { ControlState, ReplicaState } from '../../controls/control-state.js';
import type { LiveEvent, LiveStream, ReplicaReport } from '../../live/replica-report.js';
import { History } from './history.js';
import { LockBoard } from './lock-board.js';
import { isPermit } from './permits.js';
import { Recent } from './recent.js';
import { ReplicaWatch } from './replica-watch.js';

/** An action of the user on this page, shown among the events. */
export interface ActionEvent {
  readonly type: 'you';
  readonly at: number;
  readonly text: string;
}

export interface Happened {
  /** Grows by one with each. */
  readonly id: number;
  readonly replica: string | null;
  readonly event: LiveEvent | ActionEvent;
}

export type ReplicaCondition = ReplicaState['state'] | 'silent';

const mostReplicas = 32;
const mostEvents = 400;
const mostFrequentEvents = 200;

/** The state of the page. It changes only here; the views read it. Times are in ms since 1970. */
export class ShopState {
  readonly replicas = new Map<string, ReplicaWatch>();
  readonly history = new History();
  readonly locks = new LockBoard();
  readonly log = new Recent<Happened>(mostEvents);
  /** Events of stock locks and of permits, kept separately since they are too many for the common list. */
  readonly frequentLog = new Recent<Happened>(mostFrequentEvents);
  beat: LiveStream['beat'] | null = null;
  connected = false;
  /** `null` while unknown, and where the shop has no controls. */
  controls: ControlState | null = null;
  private lastId = 0;

  takeReport(report: ReplicaReport, now: number): void {
    const known = this.replicas.get(report.replica);
    if (known !== undefined) known.take(report, now);
    else if (this.replicas.size < mostReplicas) this.replicas.set(report.replica, new ReplicaWatch(report, now));
    this.history.add(report, now);
    for (const event of report.events) {
      this.locks.happened(report.replica, event, now);
      const log = isStockLock(event) || isPermitEvent(event) ? this.frequentLog : this.log;
      log.add({ id: ++this.lastId, replica: report.replica, event });
    }
  }

  tellAction(text: string, now: number): void {
    this.log.add({ id: ++this.lastId, replica: null, event: { type: 'you', at: now, text } });
  }

  /** All that report or that the controls know, in the order of their numbers. */
  replicaNames(): string[] {
    const names = new Set([...this.replicas.keys(), ...(this.controls?.replicas ?? []).map(({ name }) => name)]);
    return [...names].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  /** The controls know the state of the process; the reports show whether it is silent. */
  conditionOf(name: string, now: number): ReplicaCondition {
    const state = this.controls?.replicas.find((replica) => replica.name === name)?.state ?? 'running';
    if (state !== 'running') return state;
    return this.replicas.get(name)?.isSilent(now) === false ? 'running' : 'silent';
  }
}

export function isStockLock(event: LiveEvent | ActionEvent): boolean {
  return 'name' in event && event.name.startsWith('stock:') && event.type !== 'lost';
}

export function isPermitEvent(event: LiveEvent | ActionEvent): boolean {
  return 'name' in event && isPermit(event) && event.type !== 'lost';
}
