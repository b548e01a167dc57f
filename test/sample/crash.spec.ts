import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { read, readMany, ShopFixture } from './shop-fixture.js';

describe('a replica that is killed in the middle of a rebuild', () => {
  let fixture: ShopFixture;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  it('is replaced by another one when its lease ends, which serves its readers', async () => {
    const shop = await fixture.shop('with-lock', 3, { LOCK_LEASE_MS: '1500', CATALOG_QUERY_MS: '1000' });
    await fixture.cold();
    const check = await fixture.check();

    // One reader makes the first replica start; the others wait on all of them, through the proxy.
    const first = read(`${shop.replicas[0]!.url}/catalog`).catch(() => 'cut off');
    await fixture.untilQuerying();
    const others = readMany(`${shop.url}/catalog`, 30);
    shop.replicas[0]!.process.signal('SIGKILL');
    await shop.replicas[0]!.process.untilExit();
    expect(await first).toBe('cut off');

    for (const { status, body, replica } of await others) {
      expect({ status, right: check.isRight(body) }).toEqual({ status: 200, right: true });
      expect(replica).not.toBe('replica-1');
    }
    const [broken, whole, ...more] = await fixture.rebuilds();
    expect(broken).toMatchObject({ replica: 'replica-1', ended: null });
    expect(whole).toMatchObject({ replica: expect.stringMatching(/^replica-[23]$/), ended: expect.any(Date) });
    expect(whole!.token).toBeGreaterThan(broken!.token!);
    expect(more).toEqual([]);
  });
});
