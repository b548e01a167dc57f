import { setMaxListeners } from 'node:events';

/**
 * Calls `run` with the reason when `signal` aborts, at once if it already has. Returns a function that ends this.
 *
 * A signal of `AbortSignal.any` would stay registered with a `signal` that lives as long as the process.
 */
export function onAbort(signal: AbortSignal | undefined, run: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => undefined;
  const listener = (): void => {
    run(signal.reason);
  };
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  // Many callers may share one signal; Node warns of a leak at more than ten listeners.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => {
    signal.removeEventListener('abort', listener);
  };
}
