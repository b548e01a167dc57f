import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { testRedisUrl } from '../support/test-redis.js';

const SCRIPT = fileURLToPath(new URL('children/allocations.mjs', import.meta.url));
/** The young generation holds what a block allocates, so that nothing is collected while it is counted. */
const FLAGS = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];

/** A few seconds, but of a machine that may have others to serve. */
const LIMIT_MS = 120_000;

interface Order {
  readonly cycles: number;
  readonly blocks: number;
  /** How many names are taken at the same time. */
  readonly atOnce: number;
}

/** How many times as much our library allocates for a cycle as plain ioredis does, in the same process, block by block. */
async function timesOfRaw(order: Order): Promise<number> {
  const child = promisify(execFile)(
    process.execPath,
    [...FLAGS, SCRIPT, JSON.stringify({ ...order, url: testRedisUrl() })],
    { env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const { raw, own } = JSON.parse((await child).stdout) as { raw: number[]; own: number[] };
  // A block in which V8 collected all the same is left out.
  expect(Math.min(raw.length, own.length)).toBeGreaterThan(order.blocks / 2);
  return middle(own) / middle(raw);
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/**
 * Bytes allocated, unlike times, do not depend on the machine or on who else uses it: from run to run they differ by 1 or
 * 2 %. When one of these limits is met, find out what allocates (`--heap-prof`) before it is raised.
 */
describe('what taking and giving back a lock allocates', () => {
  it(
    'is little more than twice what SET NX PX and a compare-and-delete script do, one at a time',
    async () => {
      expect(await timesOfRaw({ cycles: 10_000, blocks: 10, atOnce: 1 })).toBeLessThan(2.3);
    },
    LIMIT_MS,
  );

  it(
    'is little more than what they do for 64 names at once',
    async () => {
      expect(await timesOfRaw({ cycles: 12_800, blocks: 10, atOnce: 64 })).toBeLessThan(1.35);
    },
    LIMIT_MS,
  );
});
