import { describeFailover } from './testing/failover.js';

describeFailover('a stop of the master', { lose: (master) => master.freeze(), recover: (master) => master.thaw() });
