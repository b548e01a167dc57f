import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLockService, type LockService } from '../../lib/index.js';
import { quantile } from '../../sample-app/lab/live/latency-buckets.js';
import type { ReplicaReport } from '../../sample-app/lab/live/replica-report.js';
import { waitUntil } from '../support/wait-until.js';
import { LiveFixture } from './live-fixture.js';
import { LivePage } from './live-page.js';
import { read, readMany } from './shop-fixture.js';

describe('the live page of a shop', () => {
  let fixture: LiveFixture;
  let page: LivePage;
  let locks: LockService;
  /** One replica has the lock of the relay all the time, and the others wait for it. */
  const ofCatalog = ({ name }: { name: string }) => name.startsWith('catalog');
  const isRelay = ({ name }: { name: string }) => name === 'orders:relay';
  const sum = (reports: readonly ReplicaReport[], count: (report: ReplicaReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);

  beforeAll(async () => {
    fixture = await LiveFixture.start({ replicas: 3, env: { CATALOG_QUERY_MS: '1200', LOCK_LEASE_MS: '2400' } });
    const { redisUrl, redisPrefix } = fixture.backing;
    locks = createLockService({ url: redisUrl, keyPrefix: `${redisPrefix}lock:` });
  });
  beforeEach(async () => {
    await fixture.redis.del('catalogJson', 'catalogJson:kitchen');
    page = await LivePage.open(fixture.shop.url);
  });
  afterEach(() => page.close());
  afterAll(async () => {
    await locks.close();
    await fixture.stop();
  });

  it('gets the reports of all replicas from the one it is connected to', async () => {
    for (const name of ['replica-1', 'replica-2', 'replica-3']) {
      const first = await page.find('its name', ({ replica }) => replica === name);
      const later = await page.find('more', ({ replica, seq }) => replica === name && seq > first.seq + 1);
      expect(page.of(name).map(({ seq }) => seq)).toEqual(page.of(name).map((_, index) => first.seq + index));
      expect(later).toMatchObject({ guard: 'with-lock', queryMs: 1200, pid: expect.any(Number) });
    }
    expect(page.servedBy).toHaveLength(1);
    expect(page.lastBeat).toMatchObject({ replica: page.servedBy[0], redis: 'up', dropped: 0 });
  });

  it('shows a rebuild under its lock: the token, the lease and its renewals, and the section', async () => {
    const reading = readMany(`${fixture.shop.url}/catalog`, 30);
    const holding = await page.find('who holds the lock', ({ held }) => held.some(ofCatalog));
    const lock = holding.held.find(ofCatalog);
    expect(lock).toMatchObject({ name: 'catalog:*', token: expect.any(Number), heldMs: expect.any(Number) });
    expect(lock!.remainingMs).toBeGreaterThan(0);
    expect(lock!.remainingMs).toBeLessThanOrEqual(2400);
    const building = await page.find('that it rebuilds', ({ cache }) => cache.rebuilding > 0);
    expect(building.replica).toBe(holding.replica);
    expect(building.requests.running).toBeGreaterThan(0);
    // The replicas whose readers wait for it; the holder itself waited for the answer of Redis.
    const waiting = await page.find('who waits', ({ replica, waiting }) => {
      return waiting.some(ofCatalog) && replica !== holding.replica;
    });
    expect(waiting.waiting.filter(ofCatalog)).toEqual([{ name: 'catalog:*', callers: 1 }]);
    // It ends later than it would have without a renewal.
    await page.find('a longer lease', ({ held }) =>
      held.some((it) => ofCatalog(it) && it.heldMs + it.remainingMs! > 2_400 + 100),
    );

    expect((await reading).every(({ status }) => status === 200)).toBe(true);
    await waitUntil('all are counted', () => sum(page.reports, ({ requests }) => requests.answered) >= 30);
    expect(sum(page.reports, ({ requests }) => requests.answered)).toBe(30);
    expect(sum(page.reports, ({ cache }) => cache.misses)).toBe(30);
    expect(sum(page.reports, ({ cache }) => cache.rebuilds)).toBe(1);
    const slowest = quantile(
      page.reports.flatMap(({ latency }) => latency),
      1,
    );
    expect(slowest).toBeGreaterThan(1100);
    await page.next('that nothing runs', ({ requests }) => requests.running === 0);

    const { token } = lock!;
    const of = (replica: string) => page.events.filter((event) => event.replica === replica);
    expect(of(holding.replica)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'acquired', name: 'catalog:*', token, handedOver: false }),
        expect.objectContaining({ type: 'renewed', name: 'catalog:*', token }),
        expect.objectContaining({ type: 'rebuild-began', section: '*', token }),
        expect.objectContaining({ type: 'rebuild-ended', section: '*', failed: false }),
        expect.objectContaining({ type: 'released', name: 'catalog:*', token }),
      ]),
    );
  });

  it('shows the leader and the last refresh of the prices as all replicas see them', async () => {
    const { coordination } = await page.find(
      'the leader',
      ({ coordination: known }) => known !== null && known.leader !== null,
    );
    const pids = fixture.shop.replicas.map(({ process }) => process.pid);
    expect(pids).toContain(Number(coordination!.leader!.where!.split(':').at(-1)));
    const leading = await page.find('the lock of the leader', ({ held }) => held.some(isRelay));
    expect(leading.held.find(isRelay)!.token).toBe(coordination!.leader!.token);
    expect(coordination!.lastRun).toBeNull();
  });

  it('shows who has permits of the supplier, who waits for one, and what the supplier itself has counted', async () => {
    const isPermit = ({ name }: { name: string }) => name === 'supplier';
    const asking = readMany(`${fixture.shop.url}/prices/oak-table/offer`, 30);
    const [holding] = await Promise.all([
      page.find('a permit', ({ held }) => held.some(isPermit)),
      page.find('callers that wait for one', ({ waiting }) => waiting.some(isPermit)),
      page.find('that all permits are taken', ({ supplier }) => supplier.permits?.held === 3),
      page.find('three requests at the supplier', ({ supplier }) => supplier.counted?.running === 3),
    ]);
    expect(holding.held.find(isPermit)).toMatchObject({ token: expect.any(Number), remainingMs: expect.any(Number) });
    expect((await asking).every(({ status }) => status === 200)).toBe(true);
    const { supplier } = await page.next('that none is taken', ({ supplier: { permits, counted } }) => {
      return permits?.held === 0 && counted?.answered === 30;
    });
    expect(supplier).toEqual({ permits: { all: 3, held: 0 }, counted: { running: 0, most: 3, answered: 30 } });
  });

  it('shows cache hits, and counts only the requests of customers', async () => {
    await read(`${fixture.shop.url}/catalog/kitchen`);
    await page.find('the first answer', ({ requests }) => requests.answered > 0);
    page.forget();
    await readMany(`${fixture.shop.url}/catalog/kitchen`, 12);
    await waitUntil('the hits are told', () => sum(page.reports, ({ cache }) => cache.hits) >= 12);
    expect(sum(page.reports, ({ cache }) => cache.hits + cache.misses * 100)).toBe(12);
    // Its own stream and the checks of the proxy are not counted.
    expect(sum(page.reports, ({ requests }) => requests.answered)).toBe(12);
  });

  it('shows the waiters for a lock of another process, and does not count readers that disconnect', async () => {
    await using _lease = await locks.acquire('catalog:*');
    const abandoned = new AbortController();
    const reading = fetch(`${fixture.shop.url}/catalog`, { signal: abandoned.signal }).catch(() => 'gone');
    await page.find('who waits', ({ waiting }) => waiting.some(ofCatalog));
    abandoned.abort();
    expect(await reading).toBe('gone');
    await page.next('that the reader is gone', ({ requests }) => requests.running === 0);
    // A reader that left is none that was answered.
    expect(sum(page.reports, ({ requests }) => requests.answered)).toBe(0);
  });

  it('gets only valid reports, and loses those that it does not read in time', async () => {
    const channel = `${fixture.backing.redisPrefix}live`;
    const { hostname, port } = new URL(fixture.shop.replicas[0]!.url);
    const slow = connect(Number(port), hostname);
    slow.write('GET /live/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let bytes = 0;
    let text = '';
    const listen = () =>
      slow.on('data', (chunk) => {
        bytes += chunk.length;
        text = (text + chunk.toString()).slice(-400_000);
      });
    listen();
    await waitUntil('it is connected', () => text.includes('event: beat'));
    slow.pause();
    for (const message of ['{"replica":1}', '[]', 'null', '{', '{"replica":"x",\n\n"pid":1}', 'x'.repeat(300_000)]) {
      await fixture.redis.publish(channel, message);
    }
    // Far more than fits into the buffers of two processes and of the operating system.
    const size = 200_000;
    const count = 200;
    const report = JSON.stringify({ replica: 'flood', pid: 1, filler: 'y'.repeat(size) });
    for (let sent = 1; sent <= count; sent += 1) {
      await fixture.redis.publish(channel, report);
      // The other page reads in time.
      if (sent % 10 === 0) await waitUntil('the other page has them', () => page.of('flood').length === sent);
    }
    slow.resume();
    const dropped = () => Math.max(0, ...[...text.matchAll(/"dropped":(\d+)/g)].map(([, number]) => Number(number)));
    await waitUntil('it was told that it missed most of them', () => dropped() > count / 2);
    expect(bytes).toBeLessThan((count * size) / 2);
    slow.destroy();
    // Another page of the same shop has them all, and nothing else.
    expect(page.of('flood').length).toBe(count);
    expect(page.reports.every(({ replica, pid }) => replica && pid)).toBe(true);
  });

  it('has its own files only, and may load nothing from other hosts', async () => {
    const get = (path: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        // As it stands: fetch would tidy up the path.
        const { hostname, port } = new URL(fixture.shop.url);
        request({ hostname, port, path, agent: false }, (response) => resolve(response.resume()))
          .on('error', reject)
          .end();
      });
    const types: Record<string, RegExp> = {
      '/live': /^text\/html/,
      '/live/index.html': /^text\/html/,
      '/live/icon.svg': /^image\/svg\+xml/,
      '/live/uplot/uPlot.min.css': /^text\/css/,
      '/live/js/lab/page/main.js': /^text\/javascript/,
    };
    for (const [path, type] of Object.entries(types)) {
      const { statusCode, headers } = await get(path);
      expect([path, statusCode]).toEqual([path, 200]);
      expect(headers['content-type']).toMatch(type);
      expect(headers['content-security-policy']).toMatch(/^default-src 'self';/);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
    for (const path of [
      ...['/live/nothing', '/live/js', '/live/uplot/', '/live/.', '/live/..', '/live/%00'],
      ...['/live/../main.js', '/live/../live.module.js', '/live/%2e%2e/live.module.js', '/live/..%2flive.module.js'],
      ...['/live/js/../../live.module.js', '/live/..%5clive.module.js', '/live//etc/passwd', '/live/%2fetc%2fpasswd'],
    ]) {
      expect([path, (await get(path)).statusCode]).toEqual([path, 404]);
    }
  });

  it('does not delay a replica that is stopped', async () => {
    const [first] = fixture.shop.replicas;
    const direct = await LivePage.open(first!.url);
    expect(direct.servedBy).toEqual(['replica-1']);
    first!.process.signal('SIGTERM');
    // By itself: nobody forces it here.
    await first!.process.untilExit();
    direct.close();
  });
});
