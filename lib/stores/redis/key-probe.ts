import { randomUUID } from 'node:crypto';
import { LockConfigError, LockUnavailableError } from '../../errors/index.js';
import { Timer } from '../../time/timer.js';
import { hashSlot, SLOTS } from './cluster/hash-slot.js';
import type { KeyLayout } from './scripts/key-layout.js';
import type { Accepted, KeyMixing } from './scripts/key-mixing.js';
import type { RedisClient } from './connection/redis-client.js';
import type { ScriptCaller } from './scripts/script-caller.js';
import { SERVER_ID } from './lua/server-id.lua.js';
import { hasCode, isAboutKeys, USE_CLUSTER } from './connection/server-error.js';

/**
 * The pause before a retry after a failure, in ms. Until a probe succeeds, keys of several locks are not sent in one
 * call.
 */
const RETRY_MS = 5_000;
/** The number of keys in a probe. With 16, it is very unlikely that one of several servers has all of them. */
const KEYS = 16;
const TRIES = 200;

/**
 * Finds out which keys the server accepts in one call. Starts with the connection, and is repeated until it succeeds.
 */
export class KeyProbe {
  private running: Promise<void> | null = null;
  private readonly retry = new Timer(() => {
    this.start();
  }, false);

  constructor(
    private readonly client: RedisClient,
    private readonly scripts: ScriptCaller,
    private readonly layout: KeyLayout,
    private readonly timeoutMs: number,
  ) {
    client.on('ready', this.start);
    if (client.status === 'ready') this.start();
  }

  /**
   * Resolves when the result is known.
   *
   * @throws LockConfigError if the server is one of several shards of a cluster, or the client is in a transaction
   * @throws LockUnavailableError if the server does not reply
   */
  run(): Promise<void> {
    if (!this.mixing.open) return Promise.resolve();
    this.running ??= this.probe().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  dispose(): void {
    this.client.off('ready', this.start);
    this.retry.stop();
  }

  private get mixing(): KeyMixing {
    return this.scripts.mixing;
  }

  private async probe(): Promise<void> {
    this.mixing.learn(await probeKeys(this.scripts, this.layout, this.timeoutMs));
  }

  private readonly start = (): void => {
    this.retry.stop();
    if (this.client.status !== 'ready') return;
    this.run().catch(() => {
      // Every request reports the problem. The probe decides only how many locks share a call.
      if (!this.retry.running) this.retry.start(RETRY_MS);
    });
  };
}

/**
 * Finds out whether a server accepts keys of several locks in one call. Nothing is written.
 *
 * @throws LockConfigError if the server is one of several shards of a cluster
 * @throws LockUnavailableError if the server does not reply
 */
async function probeKeys(scripts: ScriptCaller, layout: KeyLayout, timeoutMs: number): Promise<Accepted> {
  const keys = spreadKeys(layout);
  const serverOf = (some: string[]): Promise<unknown> => scripts.eval(SERVER_ID, some, timeoutMs);
  try {
    const refusal = await serverOf(keys).then(() => undefined, reasonOf);
    const servers = new Set(await Promise.all(keys.map((key) => serverOf([key]))));
    if (servers.has('QUEUED')) {
      throw new LockConfigError(
        'The client is inside a transaction (MULTI). Pass a separate client: client.duplicate().',
      );
    }
    if (refusal !== undefined) return hasCode(refusal, 'CROSSSLOT') ? 'slot' : 'lock';
    // Without identities, the keys may be on several servers.
    return servers.size === 1 && !servers.has('') ? 'any' : 'lock';
  } catch (error) {
    throw isMoved(error) ? oneOfSeveral(error) : error;
  }
}

/** Keys of locks that do not exist, one in each sixteenth of the hash slots if the prefix allows it. */
function spreadKeys(layout: KeyLayout): string[] {
  const keys = new Map<number, string>();
  for (let tries = 0; tries < TRIES * KEYS && keys.size < KEYS; tries += 1) {
    const key = layout.lock(`probe:${randomUUID()}`);
    keys.set(Math.floor((hashSlot(key) * KEYS) / SLOTS), key);
  }
  return [...keys.values()];
}

/** The reason why the server rejected the keys; rethrows every other error. */
function reasonOf(error: unknown): Error {
  const cause: unknown = error instanceof LockUnavailableError ? error.cause : undefined;
  if (cause instanceof Error && isAboutKeys(cause)) return cause;
  throw error;
}

function isMoved(error: unknown): error is LockUnavailableError {
  return error instanceof LockUnavailableError && error.cause instanceof Error && hasCode(error.cause, 'MOVED');
}

function oneOfSeveral(error: LockUnavailableError): LockConfigError {
  return new LockConfigError(USE_CLUSTER, undefined, { cause: error.cause });
}
