import { OTHER_KINDS } from '../support/subjects.js';
import { describeLockConformance } from './lock-conformance.js';
import { openRedis } from './redis-backend.js';

for (const subject of OTHER_KINDS) describeLockConformance('one Redis', openRedis, subject);
