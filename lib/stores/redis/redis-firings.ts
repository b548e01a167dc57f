import type { FiringRecord, FiringRequest, FiringState, FiringStore } from '../firing-store.js';
import type { RedisArgument } from './connection/redis-client.js';
import { FIRING } from './lua/firing.lua.js';
import { Script } from './lua/script.js';
import type { KeyLayout } from './scripts/key-layout.js';

/** How long a record is kept after its last attempt began, in ms: at least 30 days. */
const KEEP_MS = 30 * 86_400_000;
const SCRIPT = new Script(FIRING);

type Run = (script: Script, name: string, keys: string[], args: RedisArgument[]) => Promise<unknown>;

/** The firings of jobs on one Redis server or a cluster: a hash for each job, in the hash slot of its lock. */
export class RedisFirings implements FiringStore {
  constructor(
    private readonly layout: KeyLayout,
    private readonly run: Run,
  ) {}

  async begin(name: string, request: FiringRequest): Promise<number | null> {
    const { run, window, firing, takeOver, retry, token, where } = request;
    const ttl = Math.max(KEEP_MS, 2 * window);
    const again = takeOver ? 1 : 0;
    const firedAt = Number(await this.call(name, 'begin', ttl, run, window, firing ?? '', again, retry, token, where));
    return firedAt === 0 ? null : firedAt;
  }

  async end(name: string, run: string, state: FiringState): Promise<void> {
    await this.call(name, 'end', run, state);
  }

  async read(name: string): Promise<FiringRecord | null> {
    const fields = (await this.call(name, 'read')) as string[];
    if (fields.length === 0) return null;
    const [run, firedAt, startedAt, endedAt, state, attempt, token, where, now] = fields as [string, ...string[]];
    return {
      run,
      firedAt: Number(firedAt),
      startedAt: Number(startedAt),
      endedAt: endedAt === '' ? undefined : Number(endedAt),
      state: state as FiringState,
      attempt: Number(attempt),
      token: Number(token),
      where: String(where),
      ageMs: Number(now) - Number(firedAt),
    };
  }

  private call(name: string, ...args: RedisArgument[]): Promise<unknown> {
    return this.run(SCRIPT, name, [this.layout.firing(name)], args);
  }
}
