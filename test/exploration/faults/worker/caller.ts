import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { LockKind } from '../kinds.js';
import type { Dice } from '../runner/dice.js';
import type { HeldLock, LockClient } from './lock-client.js';
import { makePlan, type Plan } from './plan.js';
import { Section, type SectionTools } from './section.js';

export interface CallerTools extends SectionTools {
  readonly client: LockClient;
  readonly process: string;
  readonly names: readonly string[];
  readonly kind: LockKind;
}

/** Wants one lock after the other until it is told to stop. */
export class Caller {
  private stopping = false;
  private turn = 0;

  constructor(
    private readonly id: string,
    private readonly dice: Dice,
    private readonly tools: CallerTools,
  ) {}

  stop(): void {
    this.stopping = true;
  }

  async run(): Promise<void> {
    while (!this.stopping) {
      const plan = makePlan(this.dice, this.tools.names, this.tools.leaseMs, this.tools.kind);
      this.turn += 1;
      const served = await this.attempt(`${this.tools.process}-${this.id}-${this.turn}`, plan);
      // Redis may be away: nobody gains by asking at once again.
      const pause = plan.pauseAfter + (served ? 0 : this.dice.whole(2, 40));
      if (pause > 0) await sleep(pause);
      else await nextTurn();
    }
  }

  /** One attempt for its own sake. Returns whether the lock was taken. */
  async attempt(caller: string, plan: Plan): Promise<boolean> {
    const { history, client, process } = this.tools;
    const { names, ask, abortAfter } = plan;
    const controller = abortAfter === undefined ? undefined : new AbortController();
    const wait = ask.wait === Infinity ? null : ask.wait;
    const mayAbort = controller !== undefined;
    history.write({ type: 'want', process, caller, names, wait, lease: ask.lease, mayAbort, ...extrasOf(ask) });
    const timer = setTimeout(() => controller?.abort(), abortAfter ?? 0);
    if (controller === undefined) clearTimeout(timer);
    let held: HeldLock;
    try {
      held = await client.acquire(names, controller === undefined ? ask : { ...ask, signal: controller.signal });
    } catch (error) {
      history.write({ type: 'failed', caller, code: codeOf(error) });
      return false;
    } finally {
      clearTimeout(timer);
    }
    await new Section(caller, plan, held, this.tools).run();
    return true;
  }
}

function extrasOf({ holdAtLeast, take }: Plan['ask']): { holdAtLeast?: number; take?: number } {
  return { ...(holdAtLeast === undefined ? {} : { holdAtLeast }), ...(take === undefined ? {} : { take }) };
}

function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return String(code ?? name ?? error);
}
