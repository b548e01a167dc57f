import type { Reporter } from '../../telemetry/reporter.js';
import { Timer } from '../../time/timer.js';
import type { StoreNode, StoreNodeState } from '../lock-state.js';

/** A state is reported if it lasts at least this long, in ms. */
const MOMENT_MS = 2_000;

/** Logs each change of one node's state, except brief ones. */
export class NodeLog {
  private reported: StoreNodeState = 'ready';
  private readonly timer = new Timer(() => {
    this.report();
  }, false);

  /** @param read returns the current state of the node */
  constructor(
    private readonly read: () => StoreNode,
    private readonly reporter: Reporter | undefined,
  ) {}

  /** Called when the state may have changed. */
  look(): void {
    if (this.reporter?.silent !== false || this.timer.running) return;
    if (this.read().state !== this.reported) this.timer.start(MOMENT_MS);
  }

  close(): void {
    this.timer.stop();
  }

  private report(): void {
    const node = this.read();
    if (node.state !== this.reported) {
      this.reported = node.state;
      this.reporter?.warn('node', messageOf(node));
    }
    // Look again when the time is over, since no event marks the end of `waiting`.
    if (node.state === 'waiting') this.timer.start(Math.max(MOMENT_MS, node.readyInMs ?? 0));
  }
}

function messageOf({ name, state, reason = 'unknown' }: StoreNode): string {
  switch (state) {
    case 'ready':
      return `The node ${name} is ready: it has its vote.`;
    case 'waiting':
      return `The node ${name} has no vote for now: ${reason}.`;
    case 'unreachable':
      return `The node ${name} cannot be reached: ${reason}. The other nodes decide without it.`;
    case 'refused':
      return `The node ${name} cannot vote until its configuration is changed: ${reason}.`;
  }
}
