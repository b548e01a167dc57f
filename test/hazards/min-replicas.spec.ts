import { EXCLUSIVE } from '../support/subjects.js';
import { describeMinReplicas } from './testing/min-replicas.js';

describeMinReplicas([EXCLUSIVE]);
