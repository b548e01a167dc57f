import { setImmediate as turn } from 'node:timers/promises';

/** Bytes of the heap that something still needs. The process must run with `--expose-gc`. */
export async function heapInUse() {
  // What a collection frees can let go of more; buffers are freed a turn later.
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** CPU of this process so far, user and system, in ms. */
export function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
