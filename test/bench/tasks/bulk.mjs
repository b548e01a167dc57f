// Many at once: held locks, waiters of one lock, names used one after another. What each of them costs.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, heapInUse } from './heap.mjs';

/** What goes out together: no library has to open more at once than that. */
const AT_ONCE = 500;

/** `count` locks on as many names, all held at the same time. */
export async function held({ client }, { count, label }) {
  const before = await heapInUse();
  const [began, cpu] = [performance.now(), cpuMs()];
  const sections = [];
  let end;
  const over = new Promise((resolve) => (end = resolve));
  for (let at = 0; at < count; at += AT_ONCE) {
    const entered = [];
    for (let i = at; i < Math.min(count, at + AT_ONCE); i += 1) {
      entered.push(
        new Promise((resolve, reject) => {
          const section = client.section(`${label}:${i}`, () => {
            resolve();
            return over;
          });
          section.catch(reject);
          sections.push(section);
        }),
      );
    }
    await Promise.all(entered);
  }
  const took = { ms: performance.now() - began, cpuMs: cpuMs() - cpu };
  const heap = (await heapInUse()) - before;
  end();
  await Promise.all(sections);
  return { ...took, heap };
}

/** `count` callers behind one who holds the lock; then all are served, one after another, with nothing to do inside. */
export async function waiting({ client }, { count, label, serve, settleMs }) {
  let end;
  const over = new Promise((resolve) => (end = resolve));
  let holder;
  await new Promise((resolve, reject) => {
    holder = client.section(label, () => {
      resolve();
      return over;
    });
    holder.catch(reject);
  });
  const before = await heapInUse();
  const joining = performance.now();
  const waiters = Array.from({ length: count }, () => client.section(label, () => undefined));
  const joinMs = performance.now() - joining;
  // Whatever a library sets up for one who waits is there by then.
  await sleep(settleMs);
  const heap = (await heapInUse()) - before;
  if (!serve) {
    // They would poll for ever: the process is ended with them.
    for (const waiter of waiters) waiter.catch(() => undefined);
    return { joinMs, heap, ms: 0, cpuMs: 0 };
  }
  const [began, cpu] = [performance.now(), cpuMs()];
  end();
  await Promise.all([holder, ...waiters]);
  return { joinMs, heap, ms: performance.now() - began, cpuMs: cpuMs() - cpu };
}

/** `count` names, each used once and never again. */
export async function used({ client }, { count, label, lingerMs }) {
  const before = await heapInUse();
  const [began, cpu] = [performance.now(), cpuMs()];
  for (let at = 0; at < count; at += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - at);
    await Promise.all(Array.from({ length: size }, (_, i) => client.section(`${label}:${at + i}`, () => undefined)));
  }
  const took = { ms: performance.now() - began, cpuMs: cpuMs() - cpu };
  // What is kept for a moment after use is gone by then.
  await sleep(lingerMs);
  return { ...took, heap: (await heapInUse()) - before };
}

/**
 * `callers` callers on `names` names, all set off at once; each takes its lock again and again until `durationMs` are over,
 * at least once. The time is taken to the end of the last section.
 */
export async function sweep({ client }, { callers, names, label, durationMs }) {
  const inside = new Array(names).fill(0);
  let [sections, overlaps] = [0, 0];
  const cpu = cpuMs();
  const began = performance.now();
  const caller = async (_, index) => {
    const at = index % names;
    const name = `${label}:${at}`;
    const section = () => {
      sections += 1;
      if (inside[at] > 0) overlaps += 1;
      inside[at] += 1;
      inside[at] -= 1;
    };
    do await client.section(name, section);
    while (performance.now() - began < durationMs);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { sections, overlaps, ms: performance.now() - began, cpuMs: cpuMs() - cpu };
}
