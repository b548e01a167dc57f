import type { ControlState } from '../../controls/control-state.js';

export interface ControlsEvents {
  readonly onState: (state: ControlState | null) => void;
  readonly onEvolution: (data: unknown) => void;
}

export interface Outcome {
  readonly done: boolean;
  /** What happened, or why not, in one sentence. */
  readonly message: string;
}

/** How long an answer may take, in ms: a stampede is answered when its last reader is served. */
const answerMs = 600_000;
const againAfterMs = 1_000;
/** How often the state is read while the tab is visible, in ms. */
const pollMs = 500;
const stateMs = 3_000;

/**
 * The launcher's controls. A shop that was not started by the launcher has none. Their state is read by short requests:
 * a second stream beside that of the reports would take two of the six connections that a browser opens to one host.
 */
export class ControlsClient {
  private wake: () => void = () => undefined;
  private events: ControlsEvents | null = null;
  /** How many controls were used. */
  private used = 0;

  /** @returns whether there are controls here */
  async connect(events: ControlsEvents): Promise<boolean> {
    const state = await this.firstState();
    if (state === null) return false;
    this.events = events;
    events.onState(state);
    document.addEventListener('visibilitychange', () => this.wake());
    void this.follow();
    return true;
  }

  async post(path: string, body: object = {}): Promise<Outcome> {
    try {
      const answer = await fetch(`/controls/${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(answerMs),
      });
      const { message } = (await answer.json()) as { message?: unknown };
      return { done: answer.ok, message: typeof message === 'string' ? message : `Answer ${answer.status}.` };
    } catch {
      return { done: false, message: 'The controls did not answer.' };
    } finally {
      this.used += 1;
      // Before the caller continues, so that the page does not show the earlier state again.
      await this.readState();
    }
  }

  private async follow(): Promise<void> {
    let version = -1;
    for (;;) {
      if (!document.hidden) {
        const state = await this.readState();
        if (state !== null && state.evolutionVersion !== version) {
          const table = await this.read('evolution', AbortSignal.timeout(stateMs));
          if (table !== null) {
            version = state.evolutionVersion;
            this.events?.onEvolution(table);
          }
        }
      }
      await this.pause();
    }
  }

  private async readState(): Promise<ControlState | null> {
    const { used } = this;
    const state = (await this.read('state', AbortSignal.timeout(stateMs))) as ControlState | null;
    // If a control was used meanwhile, the answer may be older than what it did.
    if (used === this.used) this.events?.onState(state);
    return state;
  }

  /** Until the next turn, or until the tab is visible again. */
  private async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, pollMs);
    });
  }

  /** `null`: there are none here. A shop that is being started has some soon. */
  private async firstState(): Promise<ControlState | null> {
    for (;;) {
      const answer = await fetch('/controls/state').catch(() => null);
      if (answer?.ok === true) return (await answer.json()) as ControlState;
      if (answer?.status === 404) return null;
      await new Promise((resolve) => setTimeout(resolve, againAfterMs));
    }
  }

  /** The answer to a GET, or `null` if there is none. */
  private async read(path: string, signal: AbortSignal): Promise<unknown> {
    try {
      const answer = await fetch(`/controls/${path}`, { signal });
      return answer.ok ? ((await answer.json()) as unknown) : null;
    } catch {
      return null;
    }
  }
}
