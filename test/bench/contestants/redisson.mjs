// Redisson itself: its callers are threads of a Java process, which runs whole rounds (see `LockClient.round`).
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import compile from '../../redisson/global-setup.mjs';
import { PERMITS } from './semaphores.mjs';

const target = fileURLToPath(new URL('../../redisson/target/', import.meta.url));
if (!existsSync(`${target}classes/peer/PermitRounds.class`)) compile();

/** Java compiles what runs often, and has not done so before. */
const WARM_UP = { name: 'bench:redisson:warm-up', permits: PERMITS, callers: 16, sectionMs: 1, durationMs: 4_000 };

async function openJava(url) {
  const classpath = `${target}classes:${readFileSync(`${target}classpath`, 'utf8')}`;
  const flags = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
  const java = spawn('java', [...flags, '-cp', classpath, 'peer.PermitRounds', url], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const answers = createInterface({ input: java.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await answers.next();
    if (done) throw new Error('The Java process has ended.');
    return JSON.parse(value);
  };
  const round = async (plan) => {
    java.stdin.write(`${JSON.stringify(plan)}\n`);
    const { records, cpuMs } = await next();
    return { records: Float64Array.from(records), cpuMs, ports: portsOf(java.pid, url) };
  };
  await next();
  await round({ ...WARM_UP, startAt: Number(process.hrtime.bigint()) / 1e6 });
  return {
    section: () => Promise.reject(new Error('Redisson runs whole rounds only.')),
    round: ({ names: [name], permits, callers, sectionMs, startAt, durationMs }) =>
      round({ name, permits, callers, sectionMs, startAt, durationMs }),
    gaveUp: () => 0,
    async close() {
      java.stdin.end();
    },
  };
}

/** The local ports of a process's connections to Redis. */
function portsOf(pid, url) {
  const remote = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed meanwhile.
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/${pid}/net/${file}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , peer = '', , , , , , , inode]) => peer.endsWith(`:${remote}`) && inodes.has(inode))
      .map(([, local]) => Number.parseInt(local.split(':')[1], 16)),
  );
}

export const contestants = [
  {
    id: 'redisson',
    title: 'Redisson (Java)',
    package: 'org.redisson:redisson, as in test/redisson/pom.xml',
    kind: 'peer',
    mode: 'semaphore',
    permits: PERMITS,
    setting: 'default',
    note: 'RPermitExpirableSemaphore; callers are threads. Waits for messages. Its leases are not renewed.',
    client: 'none',
    exclusive: true,
    processes: 'many',
    open: ({ url }) => openJava(url),
  },
];
