import { OTHER_KINDS } from '../support/subjects.js';
import { describeMinReplicas } from './testing/min-replicas.js';

describeMinReplicas(OTHER_KINDS);
