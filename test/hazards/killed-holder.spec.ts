import { EXCLUSIVE } from '../support/subjects.js';
import { describeKilledHolder } from './testing/killed-holder.js';

describeKilledHolder([EXCLUSIVE]);
