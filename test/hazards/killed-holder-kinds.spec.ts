import { OTHER_KINDS } from '../support/subjects.js';
import { describeKilledHolder } from './testing/killed-holder.js';

describeKilledHolder(OTHER_KINDS);
