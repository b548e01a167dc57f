import { element, KeyedChildren, setAttribute, setText } from '../dom.js';
import type { Part } from '../dom.js';
import { isPermit } from '../state/permits.js';
import type { ReplicaCondition, ShopState } from '../state/shop-state.js';
import { ago, number, shortToken } from './words.js';

/** Makes the buttons of a replica; `null` where there are no controls. */
export type ReplicaButtons = (name: string) => Part<ReplicaCondition>;

interface Card {
  readonly name: string;
  readonly shop: ShopState;
  readonly now: number;
}

const conditions: Readonly<Record<ReplicaCondition, string>> = {
  running: 'running',
  starting: 'starting',
  stopped: 'stopped',
  killed: 'killed',
  silent: 'silent',
};

const figures = {
  rate: 'requests/s',
  running: 'under way',
  hits: 'cache hits/s',
  failed: 'errors/s',
  refused: 'refused/s (busy)',
} as const;

/** A card for each replica, with its state, its load and its locks. */
export class ReplicaCards {
  private readonly cards: KeyedChildren<Card>;

  constructor(list: HTMLElement, buttons: ReplicaButtons) {
    this.cards = new KeyedChildren<Card>(
      list,
      ({ name }) => name,
      ({ name }) => makeCard(name, buttons(name)),
    );
  }

  show(shop: ShopState, now: number): void {
    this.cards.show(shop.replicaNames().map((name) => ({ name, shop, now })));
  }
}

function makeCard(name: string, buttons: Part<ReplicaCondition>): Part<Card> {
  const condition = element('span', { class: 'condition' });
  const process = element('p', { class: 'process hint' });
  const values = Object.fromEntries(Object.keys(figures).map((key) => [key, element('dd')])) as Record<
    keyof typeof figures,
    HTMLElement
  >;
  const list = element('dl', { class: 'figures' });
  for (const [key, label] of Object.entries(figures) as [keyof typeof figures, string][])
    list.append(element('div', {}, element('dt', {}, label), values[key]));
  const holds = element('p', { class: 'holds' });
  const root = element(
    'li',
    { class: 'replica', 'data-replica': name },
    element('div', { class: 'replica-head' }, element('h3', {}, name), condition),
    process,
    list,
    holds,
    buttons.root,
  );
  return {
    root,
    show: ({ shop, now }) => {
      const state = shop.conditionOf(name, now);
      setAttribute(root, 'data-condition', state);
      setText(condition, conditions[state]);
      buttons.show(state);
      const watch = shop.replicas.get(name);
      setText(process, processLine(shop, name, now));
      const speaks = watch?.isSilent(now) === false;
      const rate = (key: 'answered' | 'failed' | 'refused') =>
        watch === undefined ? 0 : watch.rate(({ requests }) => requests[key], now);
      setText(values.rate, number.format(rate('answered')));
      setText(values.running, speaks ? number.format(watch.report.requests.running) : '–');
      setText(values.hits, number.format(watch?.rate(({ cache }) => cache.hits, now) ?? 0));
      setText(values.failed, number.format(rate('failed')));
      setText(values.refused, number.format(rate('refused')));
      setAttribute(values.failed, 'data-bad', rate('failed') > 0 ? 'yes' : null);
      setText(holds, holdsLine(shop, name, state));
      setAttribute(holds, 'data-holds', holds.textContent === 'holds no lock' ? null : 'yes');
    },
  };
}

function processLine(shop: ShopState, name: string, now: number): string {
  const watch = shop.replicas.get(name);
  if (watch === undefined) return 'has not reported yet';
  const controlled = shop.controls?.replicas.find((replica) => replica.name === name);
  const pid = controlled === undefined ? watch.report.pid : controlled.pid;
  const process = pid === null ? 'no process' : `process ${String(pid)}`;
  return watch.isSilent(now) ? `${process}, last heard ${ago(now - watch.heardAt)}` : process;
}

function holdsLine(shop: ShopState, name: string, state: ReplicaCondition): string {
  const held = (shop.replicas.get(name)?.report.held ?? []).filter((lock) => !isPermit(lock));
  if (held.length === 0 || state === 'starting') return 'holds no lock';
  const [first] = held;
  if (first === undefined || held.length > 2) return `${verb(state)} ${number.format(held.length)} locks`;
  const locks = held.map((lock) => (lock.token === null ? lock.name : `${lock.name} (${shortToken(lock.token)})`));
  return `${verb(state)} ${locks.join(' and ')}`;
}

function verb(state: ReplicaCondition): string {
  if (state === 'killed') return 'held';
  return state === 'running' ? 'holds' : 'believes it holds';
}
