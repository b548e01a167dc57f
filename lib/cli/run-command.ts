import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Lease } from '../leases/lease.js';

/** How long a command has to end by itself after its lock was lost, in ms. */
const GRACE_MS = 5_000;

/** The exit code for a command that cannot be run, as in shells. */
const NOT_RUN = 127;

/**
 * Runs a command under a lease, with the name and the token of the lock in `LOCK_NAME` and `LOCK_TOKEN`. When the lock is lost,
 * the command gets SIGTERM, and SIGKILL after 5 s. SIGINT and SIGTERM are passed on to it.
 *
 * @returns its exit code, or 128 and the number of the signal that ended it
 * @throws LockLostError if the lock was lost before the command ended
 */
export async function runCommand(command: readonly string[], lease: Lease): Promise<number> {
  const [program = '', ...args] = command;
  const env = { ...process.env, LOCK_NAME: lease.name, LOCK_TOKEN: String(lease.token) };
  // In the same tick, so that it is not lost before the listener is there.
  lease.assertHeld();
  const child = spawn(program, args, { stdio: 'inherit', env });
  let killing: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killing = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  };
  const passOn = (signal: NodeJS.Signals): void => {
    // A terminal sends SIGINT to the command, too.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  lease.signal.addEventListener('abort', stop, { once: true });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, passOn);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('error', (error) => {
        console.error(error.message);
        resolve([NOT_RUN, null]);
      });
      child.once('exit', (...how) => resolve(how));
    });
    lease.signal.throwIfAborted();
    return signal === null ? (code ?? 0) : 128 + constants.signals[signal];
  } finally {
    clearTimeout(killing);
    lease.signal.removeEventListener('abort', stop);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, passOn);
  }
}
