import { LockConfigError } from '../../errors/index.js';
import { monotonic } from '../../time/clock.js';
import type { Reporter } from '../../telemetry/reporter.js';
import type { StoreNode } from '../lock-state.js';
import type { RedisStore } from '../redis/redis-store.js';
import { NodeCheck } from './node-check.js';
import { isFinal, isRejectedLogin, reasonOf } from './node-fault.js';
import { NodeLog } from './node-log.js';
import type { RestartGuard } from './restart-guard.js';

/** Whether one node can be used, and why not: for start-up, `stats()` and the log. */
export class NodeHealth {
  private readonly log: NodeLog;
  private readonly check = new NodeCheck(
    (timeoutMs) => this.test(timeoutMs),
    () => this.store.ready,
    () => {
      this.log.look();
    },
  );

  constructor(
    private readonly label: string,
    private readonly store: RedisStore,
    private readonly guard: RestartGuard,
    private readonly isStuck: () => boolean,
    reporter: Reporter | undefined,
  ) {
    this.log = new NodeLog(() => this.state, reporter);
  }

  get state(): StoreNode {
    return { name: this.label, ...this.explain() };
  }

  /** Why the node can never vote; `undefined` if that is not known. */
  get fault(): LockConfigError | undefined {
    const { doubled, failure } = this.guard;
    if (doubled !== undefined) {
      return new LockConfigError(`"quorum": ${doubled.label} and ${this.label} are the same Redis server.`);
    }
    const { trouble } = this.store;
    const problem = [this.check.problem, failure].find(isFinal) ?? (isRejectedLogin(trouble) ? trouble : undefined);
    if (problem === undefined) return undefined;
    return new LockConfigError(`"quorum": ${this.label} cannot vote: ${reasonOf(problem)}.`, undefined, {
      cause: problem,
    });
  }

  /** Whether the start-up tests may still show that the node can never vote. */
  get undecided(): boolean {
    const { ready, trouble } = this.store;
    return this.check.pending && this.fault === undefined && (ready || trouble === undefined);
  }

  /** Tests every permission that locks need, and identifies the server. */
  connect(timeoutMs: number): Promise<void> {
    return this.check.run(timeoutMs);
  }

  onReady(): void {
    this.check.onReady();
    this.look();
  }

  /** Called when a request was refused and would be refused again. */
  onRefused(): void {
    this.check.onRefused();
  }

  /** Called when the state may have changed. */
  look(): void {
    this.log.look();
  }

  close(): void {
    this.check.close();
    this.log.close();
  }

  private async test(timeoutMs: number): Promise<void> {
    const end = monotonic() + timeoutMs;
    try {
      await this.store.connect(timeoutMs);
      await this.guard.whenIdentified(end);
    } catch (error) {
      if (!(error instanceof LockConfigError)) throw error;
      throw new LockConfigError(`The node ${this.label}: ${error.message}`, undefined, { cause: error });
    }
  }

  private explain(): Omit<StoreNode, 'name'> {
    const { ready, trouble } = this.store;
    if (!ready) {
      const state = isRejectedLogin(trouble) ? 'refused' : 'unreachable';
      return { state, reason: trouble === undefined ? 'there is no connection' : reasonOf(trouble) };
    }
    if (this.isStuck()) return { state: 'unreachable', reason: 'it has not answered for a while' };
    const { problem } = this.check;
    if (problem !== undefined && isFinal(problem)) return { state: 'refused', reason: reasonOf(problem) };
    return this.guard.report() ?? { state: 'ready' };
  }
}
