import type { ControlState } from '../../controls/control-state.js';
import { duration, number } from '../views/words.js';
import { Slider } from './slider.js';

type Post = (path: string, body: object) => Promise<void>;

const perSecond = (value: number): string => number.format(value);

/** How slow the query is, and how many visitors come all the time. */
export class Sliders {
  private readonly query: Slider;
  private readonly readers: Slider;
  private readonly buyers: Slider;
  private readonly offers: Slider;

  constructor(post: Post) {
    const load = (): Promise<void> =>
      post('load', {
        readersPerSecond: this.readers.value,
        buyersPerSecond: this.buyers.value,
        offersPerSecond: this.offers.value,
      });
    this.query = new Slider({ id: 'query', text: duration, set: (ms) => post('query', { ms }) });
    this.readers = new Slider({ id: 'readers', text: perSecond, set: load });
    this.buyers = new Slider({ id: 'buyers', text: perSecond, set: load });
    this.offers = new Slider({ id: 'offers', text: perSecond, set: load });
  }

  show(state: ControlState | null): void {
    this.query.show(state?.queryMs ?? null);
    this.readers.show(state?.load.readersPerSecond ?? null);
    this.buyers.show(state?.load.buyersPerSecond ?? null);
    this.offers.show(state?.load.offersPerSecond ?? null);
  }
}
