import { byId, element, setAttribute, setText } from '../dom.js';
import type { Happened, ShopState } from '../state/shop-state.js';
import { ago, eventKinds, kindOf, tell } from './words.js';
import type { EventKind } from './words.js';

const mostRows = 80;

/** The events of the selected kinds, newest first. The list does not change while it is paused. */
export class EventList {
  private readonly list = byId('log');
  private readonly none = byId('log-none');
  private readonly pause = byId('log-pause');
  private readonly shown = new Set<EventKind>();
  private readonly times: { readonly time: HTMLElement; readonly at: number }[] = [];
  private paused = false;
  private newestId = 0;
  private missed = 0;

  constructor(private readonly shop: ShopState) {
    this.pause.addEventListener('click', () => {
      this.paused = !this.paused;
      setAttribute(this.pause, 'aria-pressed', String(this.paused));
      if (!this.paused) this.fill();
    });
    const filters = byId('log-filters');
    for (const [kind, label] of Object.entries(eventKinds) as [EventKind, string][]) {
      const box = element('input', { type: 'checkbox', 'data-kind': kind });
      box.checked = kind !== 'stock' && kind !== 'permits';
      if (box.checked) this.shown.add(kind);
      box.addEventListener('change', () => {
        if (box.checked) this.shown.add(kind);
        else this.shown.delete(kind);
        this.fill();
      });
      filters.append(element('label', {}, box, label));
    }
  }

  show(now: number): void {
    const fresh = this.fresh();
    if (this.paused) this.missed = fresh.length;
    else this.prepend(fresh);
    const since = this.missed === 0 ? '' : ` (${this.missed} new)`;
    setText(this.pause, this.paused ? `Continue${since}` : 'Pause the list');
    this.none.hidden = this.list.childElementCount > 0;
    for (const { time, at } of this.times) setText(time, ago(now - at));
  }

  private fresh(): Happened[] {
    const { log, frequentLog } = this.shop;
    return [...newer(log.newestFirst, this.newestId), ...newer(frequentLog.newestFirst, this.newestId)]
      .filter(({ event }) => this.shown.has(kindOf(event)))
      .sort((a, b) => b.id - a.id);
  }

  private fill(): void {
    this.list.replaceChildren();
    this.times.length = 0;
    this.newestId = 0;
    this.prepend(this.fresh());
  }

  private prepend(newestFirst: readonly Happened[]): void {
    this.missed = 0;
    this.newestId = Math.max(this.newestId, newestFirst[0]?.id ?? 0);
    const rows = newestFirst.slice(0, mostRows).map(({ replica, event }) => {
      const time = element('time', { datetime: new Date(event.at).toISOString() });
      this.times.push({ time, at: event.at });
      const who = element('b', {}, replica ?? 'You');
      const text = replica === null ? `: ${tell(event)}` : ` ${tell(event)}`;
      return element('li', { 'data-kind': kindOf(event) }, time, element('span', {}, who, text));
    });
    this.list.prepend(...rows);
    while (this.list.childElementCount > mostRows) this.list.lastElementChild?.remove();
    const there = new Set(this.list.querySelectorAll('time'));
    const kept = this.times.filter(({ time }) => there.has(time as HTMLTimeElement));
    this.times.splice(0, this.times.length, ...kept);
  }
}

function newer(newestFirst: readonly Happened[], id: number): readonly Happened[] {
  const known = newestFirst.findIndex((one) => one.id <= id);
  return known === -1 ? newestFirst : newestFirst.slice(0, known);
}
