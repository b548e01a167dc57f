import type { ControlState } from '../../controls/control-state.js';
import { element, setAttribute, setText } from '../dom.js';

/** Why a control cannot be used now; `null` if it can. `path` is the one it posts to, below `/controls/`. */
export function reasonAgainst(path: string, state: ControlState | null): string | null {
  if (state === null) return 'The controls cannot be reached.';
  const [area = ''] = path.split('/');
  return state.unavailable[path] ?? state.unavailable[area] ?? fromState(path, state);
}

function fromState(path: string, { redis, stampede }: ControlState): string | null {
  if (path.startsWith('redis/') && redis === 'restarting') return 'Redis is starting.';
  if (path === 'stampede' && stampede?.lastMs === null) return 'The last stampede is not finished.';
  return null;
}

/**
 * A button that can be disabled with a reason. It stays focusable, so that the reason can be read with the keyboard and
 * the focus is not lost when the button is disabled.
 */
export class ReasonedButton {
  private readonly reason: HTMLElement;
  private busy = false;

  constructor(
    private readonly button: HTMLButtonElement,
    act: () => Promise<void>,
  ) {
    this.reason = element('span', { class: 'reason' });
    button.append(this.reason);
    button.addEventListener('click', (event) => {
      event.preventDefault();
      if (this.busy || button.getAttribute('aria-disabled') === 'true') return;
      this.setBusy(true);
      void act().finally(() => this.setBusy(false));
    });
  }

  allow(reason: string | null): void {
    setAttribute(this.button, 'aria-disabled', reason === null ? null : 'true');
    setText(this.reason, reason ?? '');
  }

  private setBusy(busy: boolean): void {
    this.busy = busy;
    setAttribute(this.button, 'aria-busy', busy ? 'true' : null);
  }
}
