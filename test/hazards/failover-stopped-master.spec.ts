import { SUBJECTS } from '../support/subjects.js';
import { describeFailover } from './testing/failover.js';

for (const subject of SUBJECTS) {
  describeFailover(
    'the suspension of the master',
    {
      lose: (master) => master.freeze(),
      recover: (master) => master.thaw(),
    },
    subject,
  );
}
