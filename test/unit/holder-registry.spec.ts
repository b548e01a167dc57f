import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockUnavailableError } from '../../lib/index.js';
import { HolderRegistry } from '../../lib/holders/holder-registry.js';
import type { HolderStore } from '../../lib/stores/holder-store.js';
import { Reporter } from '../../lib/telemetry/reporter.js';

/** Keeps what is written, or fails as it is told. */
class Records implements HolderStore {
  writes: string[] = [];
  reads = 0;
  record: string | null = null;
  failure: Error | null = null;

  async write(id: string): Promise<void> {
    this.writes.push(id);
    if (this.failure !== null) throw this.failure;
  }

  async read(): Promise<string | null> {
    this.reads += 1;
    if (this.failure !== null) throw this.failure;
    return this.record;
  }

  async remove(id: string): Promise<void> {
    this.writes = this.writes.filter((each) => each !== id);
  }
}

const failure = (retryable: boolean): LockUnavailableError =>
  new LockUnavailableError('NOPERM', undefined, { retryable, outcomeUnknown: false });

describe('the registry of holders', () => {
  let records: Records;
  let lines: string[];
  let registry: HolderRegistry;

  beforeEach(() => {
    jest.useFakeTimers();
    records = new Records();
    lines = [];
    const reporter = new Reporter({ warn: (line: string) => lines.push(line) });
    registry = new HolderRegistry(records, {}, { name: 'shop', version: undefined }, reporter);
  });
  afterEach(async () => {
    await registry.close();
    jest.useRealTimers();
  });

  it('writes the record of this process every 30 s until it is closed', async () => {
    await registry.register();
    expect(records.writes).toEqual([registry.id]);
    await jest.advanceTimersByTimeAsync(61_000);
    expect(records.writes).toHaveLength(3);
    await registry.close();
    expect(records.writes).toEqual([]);
    await jest.advanceTimersByTimeAsync(61_000);
    expect(records.writes).toEqual([]);
  });

  it('tries again sooner if the store cannot be reached, and says nothing', async () => {
    records.failure = failure(true);
    await registry.register();
    await jest.advanceTimersByTimeAsync(5_001);
    expect(records.writes).toHaveLength(2);
    expect(lines).toEqual([]);
  });

  it('reports once that the store refuses it', async () => {
    records.failure = failure(false);
    await registry.register();
    await jest.advanceTimersByTimeAsync(61_000);
    expect(records.writes).toHaveLength(3);
    expect(lines).toEqual([expect.stringContaining('could not be registered as a holder of locks')]);
    expect(lines[0]).toContain('lib/docs/permissions.md');
  });

  it('reads the record of a process once, and again after 10 s if there was none', async () => {
    const owner = 'a5d3c9ae-6f1d-4a8e-9d62-1b2f9a0c7e11:7';
    expect(await Promise.all([registry.find(owner), registry.find(owner)])).toEqual([undefined, undefined]);
    expect(records.reads).toBe(1);
    records.record = '{"host":"web","pid":7,"since":5}';
    expect(await registry.find(owner)).toBeUndefined();
    await jest.advanceTimersByTimeAsync(10_001);
    const holder = { host: 'web', pid: 7, service: undefined, version: undefined, since: new Date(5) };
    expect(await registry.find(owner)).toEqual(holder);
    expect(await registry.find(owner)).toEqual(holder);
    expect(records.reads).toBe(2);
  });

  it('knows itself without a request, and nobody by another owner', async () => {
    expect(await registry.find(`${registry.id}:1`)).toMatchObject({ pid: process.pid, service: 'shop' });
    for (const owner of [undefined, '', 'me', 'me:1']) expect(await registry.find(owner)).toBeUndefined();
    expect(records.reads).toBe(0);
  });
});
