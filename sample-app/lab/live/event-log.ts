import type { LiveEvent } from './replica-report.js';

const mostEvents = 100;

/** The events since the last report, limited in number while no report can be sent. */
export class EventLog {
  private events: LiveEvent[] = [];
  private leftOut = 0;

  add(event: LiveEvent): void {
    this.events.push(event);
    if (this.events.length <= mostEvents) return;
    this.events.shift();
    this.leftOut += 1;
  }

  /** Returns the events so far and starts again. */
  take(): { events: LiveEvent[]; eventsLeftOut: number } {
    const { events, leftOut } = this;
    this.events = [];
    this.leftOut = 0;
    return { events, eventsLeftOut: leftOut };
  }
}
