/**
 * Import this first, and call `resumeClock` behind the imports: the clock of the library then stands still unless fake timers
 * advance it. Otherwise it goes on with the real one under fake timers too, and a busy machine uses up the time of a test.
 */
const real = Object.getOwnPropertyDescriptor(performance, 'now');
Object.defineProperty(performance, 'now', { configurable: true, writable: true, value: () => 0 });

export function resumeClock(): void {
  if (real === undefined) Reflect.deleteProperty(performance, 'now');
  else Object.defineProperty(performance, 'now', real);
}
