// Says how many bytes the code of lib/telemetry allocates for a cycle of taking and giving back a lock: without listeners, and with
// one on each channel. A profiler attributes what is allocated to the code that did it.
import { subscribe } from 'node:diagnostics_channel';
import { Session } from 'node:inspector/promises';
import { createLockService, lockChannels } from 'nestjs-redis-lock';

const { cycles } = JSON.parse(process.argv[2]);
const locks = createLockService({ memory: true });
const session = new Session();
session.connect();

async function run(count) {
  for (let done = 0; done < count; done += 1) await locks.withLock('name', () => undefined, { label: 'label' });
}

async function allocated() {
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 256,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await run(cycles);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  let [telemetry, all] = [0, 0];
  const visit = ({ callFrame, selfSize, children }) => {
    all += selfSize;
    if (callFrame.url.includes('/telemetry/')) telemetry += selfSize;
    children.forEach(visit);
  };
  visit(profile.head);
  return { telemetry: telemetry / cycles, all: all / cycles };
}

// Code that is not optimized yet allocates more.
await run(5_000);
const without = await allocated();
for (const name of Object.values(lockChannels)) subscribe(name, () => undefined);
await run(5_000);
console.log(JSON.stringify({ without, listened: await allocated() }));
await locks.close();
