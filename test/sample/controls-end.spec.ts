import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { ServerProcess } from '../../sample-app/services/server-process.js';
import type { ControlState } from '../../sample-app/lab/controls/control-state.js';
import { descendantsOf, isRunning } from '../support/processes.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { waitUntil } from '../support/wait-until.js';
import { buildSample, type BuiltSample } from './built-sample.js';

jest.setTimeout(120_000);

describeWithRedisServer('Ctrl-C leaves no process and no file behind', () => {
  let built: BuiltSample;
  let temp: string;
  let launcher: ServerProcess;
  let url: string;
  const seen = new Set<number>();

  const control = async (path: string) => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(`${url}/controls/${path}`, { method: 'POST', headers, body: '{}' });
    expect([path, response.status]).toEqual([path, 200]);
  };
  const state = async () => (await (await fetch(`${url}/controls/state`)).json()) as ControlState;
  const look = () => {
    for (const pid of descendantsOf(launcher.pid)) seen.add(pid);
  };

  beforeAll(async () => {
    built = await buildSample();
  });
  beforeEach(async () => {
    temp = mkdtempSync(join(tmpdir(), 'redis-lock-spec-'));
    chmodSync(temp, 0o755);
    launcher = await ServerProcess.start({
      name: 'npm start',
      command: process.execPath,
      args: [fileURLToPath(new URL('lab/start/main.js', built.folder))],
      env: { ...process.env, TMPDIR: temp, REDIS_URL: '', DATABASE_URL: '', PORT: '0' },
      ready: /The shop runs at/,
      stopSignal: 'SIGINT',
    });
    url = /http:\/\/[\d.:]+/.exec(launcher.readyLine)![0];
    seen.clear();
    look();
  });
  afterEach(async () => {
    look();
    expect(seen.size).toBeGreaterThanOrEqual(7);
    await launcher.stop();
    await waitUntil('all are gone', () => ![...seen].some(isRunning));
    expect(readdirSync(temp)).toEqual([]);
    rmSync(temp, { recursive: true, force: true });
  });
  afterAll(() => built.remove());

  it('while Redis is paused, a replica is stopped, and a page is open', async () => {
    await fetch(`${url}/live/events`);
    await fetch(`${url}/controls/events`);
    await control('replicas/replica-1/stop');
    await control('redis/pause');
  });

  it('while Redis and replicas restart under load', async () => {
    const killed = ['replica-2', 'replica-3'];
    for (const name of killed) await control(`replicas/${name}/kill`);
    await waitUntil('one is being started', async () =>
      (await state()).replicas.some((replica) => replica.state === 'starting'),
    );
    look();
    void fetch(`${url}/controls/redis/restart`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
    }).catch(() => {});
    await waitUntil('Redis is away', async () => (await state()).redis === 'restarting');
  });
});
