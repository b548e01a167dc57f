import type { ControlState } from '../../controls/control-state.js';
import { byId, element, setAttribute, setText } from '../dom.js';
import type { Part } from '../dom.js';
import type { ReplicaCondition, ShopState } from '../state/shop-state.js';
import type { ControlsClient } from '../streams/controls-client.js';
import { Announcer } from './announcer.js';
import { ReasonedButton, reasonAgainst } from './availability.js';
import { GuardChoice } from './guard-choice.js';
import { Results } from './results.js';
import { Sliders } from './sliders.js';

const redisStates: Readonly<Record<ControlState['redis'], string>> = {
  up: 'Redis is up.',
  paused: 'Redis is paused: it accepts connections, but does not reply.',
  restarting: 'Redis is restarting.',
};

/** The controls of the page. */
export class ControlPanel {
  private readonly announcer: Announcer;
  private readonly buttons: { readonly path: string; readonly button: ReasonedButton }[] = [];
  private readonly guards = new GuardChoice((guard) => this.post('guard', { guard }));
  private readonly results = new Results();
  private readonly redisLabel = element('span');
  private readonly sliders: Sliders;

  constructor(
    private readonly shop: ShopState,
    private readonly client: ControlsClient,
  ) {
    this.announcer = new Announcer(shop);
    for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-post]')) {
      const path = button.dataset.post ?? '';
      this.buttons.push({ path, button: new ReasonedButton(button, () => this.post(path)) });
    }
    this.buttons.push({ path: 'stampede', button: this.stampedeButton() });
    const pause = byId('redis-pause', HTMLButtonElement);
    pause.prepend(this.redisLabel);
    this.buttons.push({ path: 'redis/pause', button: new ReasonedButton(pause, () => this.pauseRedis()) });
    this.sliders = new Sliders((path, body) => this.post(path, body));
  }

  /** The panel is there only where the shop has controls. */
  reveal(): void {
    for (const part of document.querySelectorAll<HTMLElement>('.controls-only')) part.hidden = false;
  }

  show(): void {
    const { controls } = this.shop;
    for (const { path, button } of this.buttons) button.allow(reasonAgainst(path, controls));
    this.sliders.show(controls);
    this.guards.show(controls);
    for (const result of controls?.results ?? []) this.results.take(result);
    this.results.take(controls?.stampede ?? null);
    if (controls !== null) setText(byId('redis-state'), redisStates[controls.redis]);
    setText(this.redisLabel, controls?.redis === 'paused' ? 'Continue' : 'Pause');
  }

  /** The buttons on a replica's card. They stay where they are, whatever the replica does. */
  readonly replicaButtons = (name: string): Part<ReplicaCondition> => {
    let stopped = false;
    const end = element('button', { type: 'button', class: 'kill', 'aria-label': `Kill ${name}` }, 'Kill');
    const label = element('span');
    const halt = element('button', { type: 'button' }, label);
    const kill = new ReasonedButton(end, () => this.post(`replicas/${name}/kill`));
    const stop = new ReasonedButton(halt, () => this.post(`replicas/${name}/${stopped ? 'continue' : 'stop'}`));
    return {
      root: element('div', { class: 'buttons' }, end, halt),
      show: (state) => {
        stopped = state === 'stopped';
        setText(label, stopped ? 'Continue' : 'Stop');
        setAttribute(halt, 'aria-label', `${label.textContent} ${name}`);
        const gone = state === 'killed' || state === 'starting' ? `It is ${state}.` : null;
        kill.allow(reasonAgainst('replicas/kill', this.shop.controls) ?? gone);
        stop.allow(reasonAgainst('replicas/stop', this.shop.controls) ?? gone);
      },
    };
  };

  private async post(path: string, body?: object): Promise<void> {
    this.announcer.tell(await this.client.post(path, body));
  }

  private pauseRedis(): Promise<void> {
    return this.post(this.shop.controls?.redis === 'paused' ? 'redis/continue' : 'redis/pause');
  }

  private stampedeButton(): ReasonedButton {
    const readers = byId('stampede-readers', HTMLInputElement);
    return new ReasonedButton(byId('stampede-send', HTMLButtonElement), async () => {
      if (readers.reportValidity()) await this.post('stampede', { readers: readers.valueAsNumber });
    });
  }
}
