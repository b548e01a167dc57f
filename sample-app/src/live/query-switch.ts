import { Injectable } from '@nestjs/common';
import { QueryDelay } from '../catalog/query-delay.js';

/** The shop's query delay, which can be changed while the shop runs. */
@Injectable()
export class QuerySwitch extends QueryDelay {
  private changed: number | undefined;

  override get ms(): number {
    return this.changed ?? super.ms;
  }

  set(ms: number): void {
    this.changed = ms;
  }
}
