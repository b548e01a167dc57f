import { describeLockConformance } from './lock-conformance.js';
import { describeFairConformance } from './fair-conformance.js';
import { describeLatchConformance } from './latch-conformance.js';
import { describeReadWriteConformance } from './read-write-conformance.js';
import { describeSemaphoreConformance } from './semaphore-conformance.js';
import { openRedis } from './redis-backend.js';

describeLockConformance('one Redis', openRedis);
describeFairConformance('one Redis', openRedis);
describeReadWriteConformance('one Redis', openRedis);
describeLatchConformance('one Redis', openRedis);
describeSemaphoreConformance('one Redis', openRedis);
