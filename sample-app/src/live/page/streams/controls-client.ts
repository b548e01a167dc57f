import type { ControlState } from '../../../../start/controls/control-state.js';
import { WatchedStream } from './watched-stream.js';

export interface ControlsEvents {
  readonly onState: (state: ControlState | null) => void;
  /** Somebody may have run the evolution: it is to be asked for. */
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

/** The launcher's controls. A shop that was not started by the launcher has none. */
export class ControlsClient {
  /** @returns whether there are controls here */
  async connect({ onState, onEvolution }: ControlsEvents): Promise<boolean> {
    const state = await this.firstState();
    if (state === null) return false;
    onState(state);
    new WatchedStream({
      url: '/controls/events',
      quietMs: 3_000,
      on: { state: (data) => onState(data as ControlState), evolution: onEvolution },
      onState: (connected) => {
        if (!connected) onState(null);
      },
    });
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
    }
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
  async read(path: string): Promise<unknown> {
    const answer = await fetch(`/controls/${path}`).catch(() => null);
    return answer?.ok === true ? answer.json() : null;
  }
}
