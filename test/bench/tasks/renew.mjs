// Ten thousand held leases: what it costs to keep them, and how long it blocks whoever else uses the process.
import { monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs } from './heap.mjs';
import { liveTimers } from './live-timers.mjs';

const TICK_MS = 1;
let holder;

/**
 * One step of a run: `open` connects with leases of `leaseMs`; `hold` takes `count` locks, all asked for at once; `watch`
 * looks at the process for `ms`; `release` gives them back and says how many were lost meanwhile.
 */
export async function renew({ id, url }, { step, ...ask }) {
  switch (step) {
    case 'open': {
      // Timers are counted from before the library is loaded.
      liveTimers();
      const { openHolder } = await import('../contestants/holders.mjs');
      holder = await openHolder(id, url, ask.leaseMs);
      return {};
    }
    case 'hold': {
      const began = performance.now();
      await Promise.all(Array.from({ length: ask.count }, (_, at) => holder.hold(`${ask.label}:${at}`)));
      return { ms: performance.now() - began };
    }
    case 'watch':
      return watch(ask.ms);
    case 'release': {
      const lost = holder.lost();
      await holder.release();
      return { lost };
    }
    case 'close':
      await holder.close();
      return {};
    default:
      throw new Error(`There is no step "${step}".`);
  }
}

/**
 * How long this thread was kept from other work, seen twice: by Node's own histogram and by an interval of 1 ms. Of a late
 * tick the CPU time is kept, too: where the wall clock moved on and the CPU time did not, others had the processor.
 */
async function watch(ms) {
  const timers = [];
  let [worst, worstCpu, last, lastCpu] = [0, 0, performance.now(), cpuMs()];
  let longestCollection = 0;
  const collections = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestCollection = Math.max(longestCollection, duration);
  });
  collections.observe({ entryTypes: ['gc'] });
  const histogram = monitorEventLoopDelay({ resolution: TICK_MS });
  const cpu = cpuMs();
  histogram.enable();
  const tick = setInterval(() => {
    const [at, used] = [performance.now(), cpuMs()];
    worst = Math.max(worst, at - last - TICK_MS);
    worstCpu = Math.max(worstCpu, used - lastCpu);
    [last, lastCpu] = [at, used];
    timers.push(liveTimers());
  }, TICK_MS);
  await sleep(ms);
  clearInterval(tick);
  histogram.disable();
  collections.disconnect();
  timers.sort((a, b) => a - b);
  return {
    intervalGapMs: worst,
    gapCpuMs: worstCpu,
    histogramMaxMs: Math.max(0, histogram.max / 1e6 - TICK_MS),
    collectionMs: longestCollection,
    cpuMs: cpuMs() - cpu,
    // While nothing is under way, since a request may have a timer for its time limit; less the one of this look itself.
    timers: (timers[Math.floor(timers.length / 4)] ?? 0) - 1,
  };
}
