import { byId, setAttribute } from '../dom.js';
import type { ShopState } from '../state/shop-state.js';
import type { Outcome } from '../streams/controls-client.js';

/** How long a message stays at the edge of the window, in ms. It also stands among the events. */
const shownMs = 8_000;

/** Shows the result of a control, also to screen readers. */
export class Announcer {
  private readonly place = byId('announcement');
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly shop: ShopState) {}

  tell({ done, message }: Outcome): void {
    this.shop.tellAction(message, Date.now());
    this.place.textContent = message;
    setAttribute(this.place, 'data-done', done ? 'yes' : 'no');
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.place.textContent = ''), shownMs);
  }
}
