/** Something that was started and must not outlive this process. */
export interface Stoppable {
  /** Stops it gracefully and waits until it has ended. */
  stop(): Promise<void>;
  /** The last resort, when the process ends at once: no promise can be waited for any more. */
  stopNow(): void;
}

const running = new Set<Stoppable>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const end = new AbortController();
/**
 * A signal this long after the first one counts as a second request, in ms: npm repeats Ctrl-C right after the first.
 */
const secondAfterMs = 1_000;
let listening = false;
let signalledAt: number | undefined;

/** Aborts when everything begins to be stopped: nothing should be started any more. */
export const ending = end.signal;

/**
 * Remembers `resource` until the returned function is called: Ctrl-C, SIGTERM and a closed terminal stop it first and
 * then end the process by that same signal; any other end of the process (an uncaught error, `process.exit`, a second
 * Ctrl-C) reaches `stopNow`.
 */
export function stopOnExit(resource: Stoppable): () => void {
  running.add(resource);
  listen();
  return () => {
    running.delete(resource);
  };
}

/** Stops all that still runs, the last started first: a replica before the database it uses. */
export async function stopAll(): Promise<void> {
  end.abort();
  const failures: unknown[] = [];
  // Not a loop over a copy: something may still be starting while we stop.
  for (let last = lastStarted(); last; last = lastStarted()) {
    running.delete(last);
    // One that cannot be stopped must not keep the others alive.
    await last.stop().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, 'Not everything that was started could be stopped.');
}

function lastStarted(): Stoppable | undefined {
  return [...running].at(-1);
}

function listen(): void {
  if (listening) return;
  listening = true;
  for (const signal of signals) process.on(signal, onSignal);
  process.once('exit', () => {
    for (const resource of [...running].reverse()) resource.stopNow();
  });
}

function onSignal(signal: NodeJS.Signals): void {
  const now = performance.now();
  if (signalledAt === undefined) {
    signalledAt = now;
    void endBy(signal);
  } else if (now - signalledAt > secondAfterMs) process.exit(1);
}

async function endBy(signal: NodeJS.Signals): Promise<void> {
  await stopAll().catch((error: unknown) => {
    console.error(error);
  });
  // The signal then has its usual effect, and the parent process sees the reason of the end.
  for (const each of signals) process.off(each, onSignal);
  process.kill(process.pid, signal);
}
