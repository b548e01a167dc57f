import { describeLockConformance } from './lock-conformance.js';
import { describeFairConformance } from './fair-conformance.js';
import { describeLatchConformance } from './latch-conformance.js';
import { describeReadWriteConformance } from './read-write-conformance.js';
import { describeSemaphoreConformance } from './semaphore-conformance.js';
import { openMemory } from './memory-backend.js';

describeLockConformance('the memory store', openMemory);
describeFairConformance('the memory store', openMemory);
describeReadWriteConformance('the memory store', openMemory);
describeLatchConformance('the memory store', openMemory);
describeSemaphoreConformance('the memory store', openMemory);
