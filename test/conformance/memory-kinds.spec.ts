import { OTHER_KINDS } from '../support/subjects.js';
import { describeLockConformance } from './lock-conformance.js';
import { openMemory } from './memory-backend.js';

for (const subject of OTHER_KINDS) describeLockConformance('the memory store', openMemory, subject);
