// Counts the timers of this process. Those of Node's own modules (`node:timers/promises`, sockets) are not among them.
const live = new Set();

for (const kind of ['setTimeout', 'setInterval']) {
  const set = globalThis[kind];
  const counted = (callback, ms, ...args) => {
    const timer = set(
      (...given) => {
        if (kind === 'setTimeout') live.delete(timer);
        return callback(...given);
      },
      ms,
      ...args,
    );
    live.add(timer);
    return timer;
  };
  // `util.promisify(setTimeout)` works by a symbol of the function.
  globalThis[kind] = Object.defineProperties(counted, Object.getOwnPropertyDescriptors(set));
}
for (const kind of ['clearTimeout', 'clearInterval']) {
  const clear = globalThis[kind];
  globalThis[kind] = (timer) => {
    live.delete(timer);
    clear(timer);
  };
}

/** How many timers are set now, periodic ones included. */
export function liveTimers() {
  return live.size;
}
