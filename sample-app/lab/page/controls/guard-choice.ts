import type { ControlState } from '../../controls/control-state.js';
import type { GuardName } from '../../evolution/guards.js';
import { byId, element } from '../dom.js';
import { guards } from './guards.js';

type Choose = (guard: GuardName) => Promise<void>;

/** One radio button for each guard, with a sentence about it. */
export class GuardChoice {
  private readonly inputs = new Map<GuardName, HTMLInputElement>();
  /** Choices that are not confirmed yet, which an older state of the shop must not overwrite. */
  private pending = 0;

  constructor(choose: Choose) {
    const place = byId('guards');
    for (const [name, { label, says, verdict }] of Object.entries(guards) as [GuardName, (typeof guards)['none']][]) {
      const id = `guard-${name}`;
      const input = element('input', {
        type: 'radio',
        name: 'guard',
        value: name,
        id,
        'aria-describedby': `${id}-says`,
      });
      input.addEventListener('change', () => {
        this.pending += 1;
        void choose(name).finally(() => (this.pending -= 1));
      });
      this.inputs.set(name, input);
      const text = element('span', { class: 'guard-label' }, label);
      const sentence = element('span', { class: 'guard-says', id: `${id}-says` }, says);
      place.append(
        element(
          'div',
          { class: 'guard', 'data-verdict': verdict },
          input,
          element('label', { for: id }, text),
          sentence,
        ),
      );
    }
  }

  show(state: ControlState | null): void {
    byId('guards', HTMLFieldSetElement).disabled = state === null;
    if (state === null || this.pending > 0) return;
    const input = this.inputs.get(state.guard);
    if (input !== undefined && !input.checked) input.checked = true;
  }
}
