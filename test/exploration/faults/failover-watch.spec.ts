import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { waitUntil } from '../../support/wait-until.js';
import type { RedisServer } from '../../support/redis-node.js';
import { HistoryFile, readHistory, type HistoryEvent } from './history.js';
import { noteFailovers } from './runner/failover-watch.js';

it('records a change of masters as a fault that lasts from the last check before to the first check after', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'failover-watch-'));
  const file = join(folder, 'history');
  let masters: RedisServer[] | null = [{ url: 'redis://a' } as RedisServer];
  let looks = 0;
  const stage = {
    masters: () => {
      looks += 1;
      return masters === null ? Promise.reject(new Error('no agreement')) : Promise.resolve(masters);
    },
  };
  const looked = async (): Promise<unknown> => {
    const before = looks;
    return waitUntil('it looks twice', () => looks > before + 1);
  };
  {
    using history = new HistoryFile(file);
    await using _watch = noteFailovers(stage, history);
    await looked();
    masters = null;
    await looked();
    masters = [{ url: 'redis://b' } as RedisServer];
    await looked();
  }
  const events: HistoryEvent[] = readHistory([file]);
  expect(events).toMatchObject([
    { type: 'fault', id: 'failover-1', stateLost: 'all' },
    { type: 'healed', id: 'failover-1' },
  ]);
  // The look that failed lies in between.
  expect(events[1]!.at - events[0]!.at).toBeGreaterThan(50);
  rmSync(folder, { recursive: true });
});
