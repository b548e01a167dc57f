import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServerProcess } from '../../sample-app/services/server-process.js';
import { descendantsOf, isRunning, processWith } from '../support/processes.js';
import { waitUntil } from '../support/wait-until.js';
import { buildSample, type BuiltSample } from './built-sample.js';
import { read, ShopFixture } from './shop-fixture.js';

describe('npm start', () => {
  let built: BuiltSample;
  let temp: string;

  beforeAll(async () => {
    built = await buildSample();
    temp = mkdtempSync(join(tmpdir(), 'redis-lock-spec-'));
    chmodSync(temp, 0o755);
  });
  afterAll(() => {
    built.remove();
    rmSync(temp, { recursive: true, force: true });
  });

  it('runs the whole shop until Ctrl-C, and leaves no process and no file behind', async () => {
    const launcher = await ServerProcess.start({
      name: 'npm start',
      command: process.execPath,
      args: [fileURLToPath(new URL('lab/start/main.js', built.folder))],
      env: { ...process.env, TMPDIR: temp, REDIS_URL: '', DATABASE_URL: '', PORT: '0' },
      ready: /The shop runs at/,
      stopSignal: 'SIGINT',
    });
    const url = /http:\/\/\S+/.exec(launcher.readyLine)![0];
    const names = new Set<string | null>();
    for (let i = 0; i < 4; i += 1) {
      const { status, replica } = await read(`${url}/catalog/lighting`);
      expect(status).toBe(200);
      names.add(replica);
    }
    expect(names.size).toBe(4);

    const children = descendantsOf(launcher.pid);
    // Redis, PostgreSQL, 4 replicas and the proxy at least.
    expect(children.length).toBeGreaterThanOrEqual(7);
    await launcher.stop();
    await waitUntil('all are gone', () => !children.some(isRunning));
    expect(readdirSync(temp)).toEqual([]);
  });

  it('ends by itself, and leaves nothing behind, when its address is taken or its proxy dies', async () => {
    const start = (port: number) =>
      ServerProcess.start({
        name: 'npm start',
        command: process.execPath,
        args: [fileURLToPath(new URL('lab/start/main.js', built.folder))],
        env: { ...process.env, TMPDIR: temp, REDIS_URL: '', DATABASE_URL: '', PORT: String(port) },
        ready: /The shop runs at/,
        stopSignal: 'SIGINT',
      });
    const launcher = await start(0);
    const url = new URL(/http:\/\/\S+/.exec(launcher.readyLine)![0]);
    const children = descendantsOf(launcher.pid);
    await expect(start(Number(url.port))).rejects.toThrow('npm start ended (exit code 1) before it was ready');

    process.kill(processWith('proxy/main.js', children), 'SIGKILL');
    await launcher.untilExit();
    await waitUntil('all are gone', () => !children.some(isRunning));
    expect(readdirSync(temp)).toEqual([]);
  });
});

describe('a replica that is stopped', () => {
  let fixture: ShopFixture;
  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  it('finishes its running request, and releases its lock', async () => {
    const shop = await fixture.shop('with-lock', 2, { CATALOG_QUERY_MS: '1500' });
    await fixture.cold();
    const [first, second] = shop.replicas;
    const running = read(`${first!.url}/catalog`);
    await fixture.untilQuerying();
    first!.process.signal('SIGTERM');
    expect(await running).toMatchObject({ status: 200, replica: 'replica-1' });
    await first!.process.untilExit();
    // The lock of 30 s is free at once, and what was built is there.
    expect((await read(`${second!.url}/catalog`)).status).toBe(200);
    expect((await fixture.rebuilds()).map(({ replica }) => replica)).toEqual(['replica-1']);
    expect(await fixture.redis.exists('lock:catalog:*')).toBe(0);
    // Less than idle connections are kept: they must not hold the process up.
  }, 45_000);
});
