import type { LiveEvent } from './replica-report.js';

const mostEvents = 100;

/** What happened since the last report. It does not grow without end while no report can be sent. */
export class EventLog {
  private events: LiveEvent[] = [];
  private leftOut = 0;

  add(event: LiveEvent): void {
    this.events.push(event);
    if (this.events.length <= mostEvents) return;
    this.events.shift();
    this.leftOut += 1;
  }

  /** Hands over what there is and begins anew. */
  take(): { events: LiveEvent[]; eventsLeftOut: number } {
    const { events, leftOut } = this;
    this.events = [];
    this.leftOut = 0;
    return { events, eventsLeftOut: leftOut };
  }
}
