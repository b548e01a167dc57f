import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { findProgram } from '../../sample-app/services/find-program.js';
import { ServerProcess } from '../../sample-app/services/server-process.js';
import { descendantsOf, isRunning, processesMatching, signalIfRunning } from '../support/processes.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { waitUntil } from '../support/wait-until.js';
import { buildSample, type BuiltSample } from './built-sample.js';
import { read } from './shop-fixture.js';

jest.setTimeout(180_000);

const hasIpv6 = Object.values(networkInterfaces()).some(
  (all) => all?.some(({ address }) => address === '::1') === true,
);
const npm = findProgram('npm')!;

describeWithRedisServer('npm start with a shared Redis', () => {
  let built: BuiltSample;
  let redis: RedisServer;
  let temp: string;
  let project: string;

  beforeAll(async () => {
    [built, redis] = await Promise.all([buildSample(), RedisServer.start()]);
    // The script of the project without its build, in a project of its own.
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
    const start = scripts.start
      .replace('npm run build:sample && ', 'true && ')
      .replace('dist/sample-app/', fileURLToPath(built.folder));
    project = mkdtempSync(join(tmpdir(), 'redis-lock-spec-'));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'started', scripts: { start } }));
  });
  beforeEach(() => {
    temp = mkdtempSync(join(tmpdir(), 'redis-lock-spec-'));
    chmodSync(temp, 0o755);
  });
  afterEach(() => rmSync(temp, { recursive: true, force: true }));
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    built.remove();
    rmSync(project, { recursive: true, force: true });
  });

  const start = (env: NodeJS.ProcessEnv) =>
    ServerProcess.start({
      name: 'npm start',
      command: npm,
      args: ['start'],
      cwd: project,
      env: { ...process.env, TMPDIR: temp, REDIS_URL: redis.url, DATABASE_URL: '', PORT: '0', ...env },
      ready: /The shop runs at/,
    });
  const keys = async () => (await redis.client().keys('*')).sort();

  it.each(['SIGTERM', 'SIGINT, and once more at once, as in a terminal,', 'SIGKILL'])(
    'stops cleanly when npm gets %s, and leaves no process, no file and no key',
    async (how) => {
      const host = hasIpv6 && how === 'SIGTERM' ? '::1' : '127.0.0.1';
      const launcher = await start({ LOG_LEVEL: how === 'SIGTERM' ? 'silent' : 'warn', HOST: host });
      const url = /http:\/\/\S+/.exec(launcher.readyLine)![0];
      expect(new URL(url).hostname).toBe(host === '::1' ? '[::1]' : host);
      for (let i = 0; i < 4; i += 1) expect((await read(`${url}/catalog/lighting`)).status).toBe(200);
      expect((await fetch(`${url}/controls/state`)).status).toBe(200);
      expect((await keys()).length).toBeGreaterThan(0);

      const children = descendantsOf(launcher.pid);
      expect(children.length).toBeGreaterThanOrEqual(6);
      if (how === 'SIGTERM' || how === 'SIGKILL') launcher.signal(how);
      else {
        // A terminal sends it to npm and to what npm runs, and npm sends it on as well: the first may end what is left.
        const launchers = processesMatching(/npm|start\/main\.js/, [launcher.pid, ...children]);
        expect(launchers.length).toBeGreaterThanOrEqual(2);
        for (const pid of launchers) signalIfRunning(pid, 'SIGINT');
      }
      await waitUntil('all are gone', () => !children.some(isRunning), 60_000);
      expect(readdirSync(temp)).toEqual([]);
      expect(await keys()).toEqual([]);
    },
  );

  it('reports at once a port in use or an invalid setting, and starts nothing', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await waitUntil('it listens', () => taken.listening);
    const { port } = taken.address() as AddressInfo;
    await expect(start({ PORT: String(port) })).rejects.toThrow(`port ${port} of 127.0.0.1: the port is in use`);
    await expect(start({ PORT: 'abc' })).rejects.toThrow('PORT must be a whole number from 0 to 65535');
    await expect(start({ HOST: '0.0.0.0' })).rejects.toThrow('HOST must be 127.0.0.1, ::1 or localhost');
    await expect(start({ REDIS_URL: 'redis://u:hid#den@h' })).rejects.toThrow(/REDIS_URL is not a valid URL/);
    await expect(start({ REDIS_URL: 'redis://u:hid#den@h' })).rejects.not.toThrow(/hid#den/);
    taken.close();
    expect(readdirSync(temp)).toEqual([]);
    expect(await keys()).toEqual([]);
  });
});
