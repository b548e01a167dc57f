import { OTHER_KINDS } from '../support/subjects.js';
import { describeRedisDown } from './testing/redis-down.js';

describeRedisDown(OTHER_KINDS);
