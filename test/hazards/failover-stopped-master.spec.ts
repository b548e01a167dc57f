import { describeFailover } from './testing/failover.js';

describeFailover('the suspension of the master', {
  lose: (master) => master.freeze(),
  recover: (master) => master.thaw(),
});
