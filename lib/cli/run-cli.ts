import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectLockService } from '../create-lock-service.js';
import { LockBusyError, LockConfigError, LockError, LockLostError, LockNameError } from '../errors/index.js';
import type { LockService } from '../lock.service.js';
import { describeState } from './describe-state.js';
import { runCommand } from './run-command.js';

/** The exit codes beside those of a command that `run` has run. From 64 on as in `sysexits.h`. */
export const EXIT = { done: 0, failed: 1, usage: 64, unavailable: 69, busy: 75, lost: 76 } as const;

const USAGE = `Usage: nestjs-redis-lock COMMAND [OPTIONS]

Commands:
  inspect NAME             who holds a lock, in which mode, and for how long
  watch NAME               the same, and again whenever it has changed, until Ctrl-C
  release NAME             release a lock of any holder, which then loses it
  run NAME -- COMMAND...   run a command under a lock; end it when the lock is lost

Options:
  --url URL                of Redis; default: REDIS_URL, else redis://127.0.0.1:6379
  --key-prefix PREFIX      the prefix of lock names; default "lock:"
  --wait MS                of "run": how long to wait for a lock that is held; default 10000
  --lease MS               of "run": the length of the lease, which is renewed; default 30000
  --help

Exit codes: that of the command, 64 wrong usage, 69 Redis is unavailable, 75 the lock is held by others, 76 it was lost.`;

/** How often `watch` looks, in ms. */
const WATCH_MS = 1_000;

class UsageError extends Error {}

/** Runs one call of the command line. Resolves with the exit code; what goes wrong is written to stderr. */
export async function runCli(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const { values, positionals, command } = parsed(args);
    if (values.help === true) {
      console.log(USAGE);
      return EXIT.done;
    }
    const [verb, name, ...more] = positionals;
    if (verb === undefined || !(verb in VERBS)) throw new UsageError(`Unknown command: ${verb ?? 'none'}`);
    if (name === undefined || more.length > 0) throw new UsageError(`"${verb}" needs the name of one lock`);
    if ((verb === 'run') !== command.length > 0) throw new UsageError('"run", and no other, has a command behind "--"');
    const { 'key-prefix': keyPrefix, wait, lease } = values;
    await using locks = await connectLockService({
      url: values.url ?? env.REDIS_URL ?? 'redis://127.0.0.1:6379',
      logger: false,
      service: { name: 'nestjs-redis-lock', version: '' },
      ...(keyPrefix === undefined ? {} : { keyPrefix }),
      ...(wait === undefined ? {} : { wait: Number(wait) }),
      ...(lease === undefined ? {} : { lease: Number(lease) }),
    });
    return await VERBS[verb as keyof typeof VERBS](locks, name, command);
  } catch (error) {
    return report(error);
  }
}

const VERBS = {
  inspect: async (locks: LockService, name: string): Promise<number> => {
    console.log(describeState(name, await locks.inspect(name)));
    return EXIT.done;
  },
  watch: async (locks: LockService, name: string): Promise<number> => {
    const stopped = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
    let known: string | undefined;
    while (!stopped.signal.aborted) {
      const state = await locks.inspect(name);
      const seen = `${String(state.owner)} ${String(state.token)}`;
      if (seen !== known) console.log(`${new Date().toISOString()} ${describeState(name, state)}`);
      known = seen;
      await sleep(WATCH_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
    return EXIT.done;
  },
  release: async (locks: LockService, name: string): Promise<number> => {
    const released = await locks.forceRelease(name);
    console.log(released ? `Lock ${JSON.stringify(name)} was released.` : `Lock ${JSON.stringify(name)} is free.`);
    return EXIT.done;
  },
  run: (locks: LockService, name: string, command: readonly string[]): Promise<number> =>
    locks.withLock(name, (lease) => runCommand(command, lease)),
};

function parsed(args: readonly string[]) {
  const end = args.indexOf('--');
  try {
    const { values, positionals } = parseArgs({
      args: end < 0 ? [...args] : args.slice(0, end),
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        'key-prefix': { type: 'string' },
        wait: { type: 'string' },
        lease: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    return { values, positionals, command: end < 0 ? [] : args.slice(end + 1) };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function report(error: unknown): number {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${USAGE}`);
    return EXIT.usage;
  }
  if (!(error instanceof LockError)) throw error;
  console.error(error.message);
  if (error instanceof LockConfigError || error instanceof LockNameError) return EXIT.usage;
  if (error instanceof LockBusyError) return EXIT.busy;
  return error instanceof LockLostError ? EXIT.lost : EXIT.unavailable;
}
