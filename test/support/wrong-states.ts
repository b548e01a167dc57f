import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { debugAllowed } from './redis-program.js';
import { RedisServer } from './redis-server.js';
import { waitUntil } from './wait-until.js';

/** A state in which a real server answers and refuses to be written to. */
export interface WrongState {
  /** The word by which it says so. */
  readonly code: string;
  /** What the server is started with. */
  readonly settings: readonly string[];
  /** Whether a renewal goes through all the same: it needs no memory. */
  readonly renews?: true;
  /** Whether Redis 6.2 executes scripts in spite of it, or cannot be kept in it. */
  readonly since7?: true;
  /** Whether it takes longer than a lease to be itself again. */
  readonly slow?: true;
  /** Before anything else, with a connection that outlives the state. */
  prepare?(admin: Redis): Promise<unknown>;
  enter(admin: Redis, server: RedisServer): Promise<unknown>;
  leave(admin: Redis): Promise<unknown>;
}

/** With them one at a time, any server understands the request. */
export const ALL_SLOTS = Array.from({ length: 16_384 }, (_, slot) => slot);
/** How long a server stays at LOADING here: longer than the leases of these tests. */
const LOADING_MS = 4_000;

export const WRONG_STATES: readonly WrongState[] = [
  {
    code: 'READONLY',
    settings: [],
    enter: (admin) => admin.replicaof('127.0.0.1', '1'),
    leave: (admin) => admin.replicaof('NO', 'ONE'),
  },
  {
    code: 'MASTERDOWN',
    settings: ['--replica-serve-stale-data', 'no'],
    enter: (admin) => admin.replicaof('127.0.0.1', '1'),
    leave: (admin) => admin.replicaof('NO', 'ONE'),
  },
  {
    code: 'LOADING',
    since7: true,
    slow: true,
    settings: [
      ...(RedisServer.available ? debugAllowed() : []),
      '--loading-process-events-interval-bytes',
      '1024',
      '--key-load-delay',
      '100000',
    ],
    async enter(admin, server) {
      for (let n = 0; n < LOADING_MS / 100; n += 1) await admin.set(`fill:${n}`, randomBytes(2_000));
      server
        .client()
        .call('DEBUG', 'RELOAD')
        .catch(() => undefined);
      await waitUntil('the server says LOADING', () =>
        admin.get('fill:0').then(
          () => false,
          (error: unknown) => String(error).includes('LOADING'),
        ),
      );
    },
    leave: (admin) =>
      waitUntil('it is loaded', () =>
        admin.get('fill:0').then(
          () => true,
          () => false,
        ),
      ),
  },
  {
    code: 'OOM',
    settings: [],
    renews: true,
    enter: (admin) => admin.config('SET', 'maxmemory', '1'),
    leave: (admin) => admin.config('SET', 'maxmemory', '0'),
  },
  {
    code: 'NOREPLICAS',
    since7: true,
    settings: [],
    enter: (admin) => admin.config('SET', 'min-replicas-to-write', '1'),
    leave: (admin) => admin.config('SET', 'min-replicas-to-write', '0'),
  },
  {
    code: 'MISCONF',
    settings: [],
    async enter(admin) {
      const [, folder] = (await admin.config('GET', 'dir')) as [string, string];
      // A folder in the place of the dump: it cannot be written.
      mkdirSync(join(folder, 'dump.rdb', 'in-the-way'), { recursive: true });
      await admin.config('SET', 'save', '3600 1');
      await admin.bgsave();
      await waitUntil('saving has failed', async () =>
        (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'),
      );
    },
    leave: (admin) => admin.config('SET', 'save', ''),
  },
  {
    code: 'CLUSTERDOWN',
    slow: true,
    settings: ['--cluster-enabled', 'yes'],
    async prepare(admin) {
      await admin.call('CLUSTER', 'ADDSLOTS', ...ALL_SLOTS);
      await waitUntil('the cluster is up', async () => (await admin.cluster('INFO')).includes('cluster_state:ok'));
    },
    enter: (admin) => admin.call('CLUSTER', 'DELSLOTS', ...ALL_SLOTS),
    leave(admin) {
      return this.prepare!(admin);
    },
  },
  {
    code: 'NOAUTH',
    settings: [],
    async enter(admin) {
      // Connections that are open stay what they are; those of the library have to come again.
      await admin.config('SET', 'requirepass', 'secret');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    leave: (admin) => admin.config('SET', 'requirepass', ''),
  },
  {
    code: 'NOPERM',
    settings: [],
    enter: (admin) => admin.acl('SETUSER', 'default', '-evalsha', '-eval'),
    leave: (admin) => admin.acl('SETUSER', 'default', '+evalsha', '+eval'),
  },
];
