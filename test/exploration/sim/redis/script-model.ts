import type { Keyspace } from './keyspace.js';

export type Argument = string | number;
export type Publish = (channel: string, message: string) => number;

/** What a Lua script of the library does, in JavaScript. `script-models.spec.ts` holds each against a real Redis. */
export type ScriptModel = (
  keys: readonly string[],
  args: readonly Argument[],
  redis: Keyspace,
  publish: Publish,
) => unknown;

type PerLock = (index: number) => [number, number | string];

/**
 * Does one lock after another; the error of one spoils only its own, a lone lock's is that of the call. Where all went
 * well in the same way, one number says so.
 */
export function each(count: number, attempt: PerLock): unknown {
  if (count === 1) {
    const [status, detail] = attempt(0);
    return status === 1 ? detail : [status, detail];
  }
  const reply: [number, number | string][] = [];
  for (let i = 0; i < count; i += 1) {
    try {
      reply.push(attempt(i));
    } catch (error) {
      reply.push([-1, (error as Error).message]);
    }
  }
  const [, alike] = reply[0]!;
  return reply.every(([status, detail]) => status === 1 && detail === alike) ? alike : reply.flat();
}

/** The channel or the token key of a lock, whose name begins with `prefix`. */
export function sideKeyOf(lock: string, prefix: string): string {
  return prefix + (lock.includes('{') ? lock : `{${lock}}`);
}
