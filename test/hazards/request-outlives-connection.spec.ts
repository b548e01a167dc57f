import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { lockKey } from '../support/lock-keys.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  /** What the client sent while the connection was stuck. */
  readonly kept: Buffer[];
  stuck: boolean;
  readonly sent: () => string;
}

/** A network that keeps what one connection sends, and delivers it after the client has given the connection up. */
class KeepingNetwork implements AsyncDisposable {
  readonly connections: Connection[] = [];

  private constructor(
    private readonly listener: Server,
    target: URL,
  ) {
    listener.on('connection', (client) => {
      const server = connect(Number(target.port), target.hostname);
      let sent = '';
      const connection: Connection = { client, server, kept: [], stuck: false, sent: () => sent };
      this.connections.push(connection);
      client.on('data', (chunk: Buffer) => {
        sent += chunk.toString('latin1');
        if (connection.stuck) connection.kept.push(chunk);
        else server.write(chunk);
      });
      server.on('data', (chunk: Buffer) => {
        if (!connection.stuck) client.write(chunk);
      });
      client.on('error', () => undefined);
      server.on('error', () => undefined);
      client.on('close', () => {
        if (!connection.stuck) server.destroy();
      });
      server.on('close', () => client.destroy());
    });
  }

  static async start(target: string): Promise<KeepingNetwork> {
    const listener = createServer();
    const network = new KeepingNetwork(listener, new URL(target));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return network;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** Keeps what is sent from now on over the connection that has carried scripts. */
  keep(): Connection {
    const connection = this.connections.find(({ sent, client }) => !client.destroyed && sent().includes('evalsha'))!;
    connection.stuck = true;
    return connection;
  }

  deliver({ kept, server }: Connection): void {
    for (const chunk of kept.splice(0)) server.write(chunk);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, server } of this.connections) {
      client.destroy();
      server.destroy();
    }
    this.listener.close();
    await once(this.listener, 'close');
  }
}

describe('an acquire that arrives after its connection was replaced', () => {
  let network: KeepingNetwork;
  let admin: Redis;
  let name: string;

  beforeEach(async () => {
    network = await KeepingNetwork.start(testRedisUrl());
    admin = redisClient();
    name = uniqueName('outlives');
  });
  afterEach(async () => {
    admin.disconnect();
    await network[Symbol.asyncDispose]();
  });

  const taken = async (): Promise<boolean> => (await admin.exists(lockKey(name))) === 1;
  const givenUp = async ({ client }: Connection): Promise<void> => {
    await waitUntil('the connection is given up', () => client.destroyed);
  };

  /** Delivers what was kept, and sees the lock taken by it and given back soon. */
  async function expectFreeSoon(locks: LockService, late: Connection): Promise<void> {
    expect(locks.stats().unsettled).toBeGreaterThan(0);
    network.deliver(late);
    // By a release that is repeated every second, not by the end of the lease.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await taken()).toBe(false);
    expect(locks.stats().unsettled).toBeGreaterThan(0);
    expect(late.kept).toEqual([]);
  }

  it('leaves no lock behind when its caller has given up', async () => {
    await using locks = await connectLockService({ url: network.url });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    const waiting = locks.acquire(name, { wait: 1_500 }).catch((error: unknown) => error);
    await givenUp(late);
    await waiting;
    await waitUntil('the release has been sent', async () => locks.stats().unsettled === 1);
    await expectFreeSoon(locks, late);
  });

  it('leaves no lock behind when a later request got the lock, and it was released', async () => {
    await using locks = await connectLockService({ url: network.url });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    const lease = await locks.acquire(name);
    expect(late.client.destroyed).toBe(true);
    await expect(lease.release()).resolves.toBe('released');
    await expectFreeSoon(locks, late);
  });

  it('leaves no lock behind when the lock was held by another process meanwhile', async () => {
    await using locks = await connectLockService({ url: network.url });
    await using others = await connectLockService({ url: testRedisUrl() });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    const waiting = locks.acquire(name, { wait: 5_000 }).catch((error: unknown) => error);
    const lease = await others.acquire(name);
    await givenUp(late);
    expect(await waiting).toMatchObject({ code: 'LOCK_BUSY' });
    await lease.release();
    await expectFreeSoon(locks, late);
  });

  it('leaves no vote behind on a node of a quorum', async () => {
    await using nodes = await QuorumNodes.start(3);
    await using slow = await KeepingNetwork.start(nodes.urls[0]!);
    const urls = [slow.url, ...nodes.urls.slice(1)];
    await using locks = await connectLockService({ nodes: urls, restartGuard: 0 });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = slow.keep();
    const lease = await locks.acquire(name);
    await givenUp(late);
    await lease.release();
    // Its vote was given back over the next connection by now.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(locks.stats().unsettled).toBeGreaterThan(0);
    slow.deliver(late);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await nodes.servers[0]!.client().exists(lockKey(name))).toBe(0);
  });

  it('is not kept by the kernel of the sender: a connection that is given up is reset', async () => {
    let reset: unknown;
    await using locks = await connectLockService({ url: network.url });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    late.client.on('error', (error) => (reset = Reflect.get(error, 'code')));
    const lease = await locks.acquire(name);
    await givenUp(late);
    expect(reset).toBe('ECONNRESET');
    await lease.release();
  });
});
