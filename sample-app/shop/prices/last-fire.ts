/** The part of cron's `CronTime` that is needed here. */
export interface Timetable {
  getNextDateFrom(start: Date): { toJSDate(): Date };
}

const minute = 60_000;
const longest = 10 * 366 * 24 * 60 * minute;

/**
 * When the timetable fired last, up to `now`. All replicas come to the same moment, also one that fires late since it
 * was busy or stopped: the time on its clock would be another one everywhere.
 */
export function lastFire(timetable: Timetable, now: Date): Date {
  const next = (from: Date): Date => timetable.getNextDateFrom(from).toJSDate();
  for (let window = minute; window < longest; window *= 10) {
    let fire: Date | undefined;
    let candidate = next(new Date(now.getTime() - window));
    while (candidate <= now) {
      fire = candidate;
      candidate = next(candidate);
    }
    if (fire !== undefined) return fire;
  }
  throw new Error('The timetable has not fired in ten years.');
}
