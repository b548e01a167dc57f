import { OTHER_KINDS } from '../support/subjects.js';
import { describePausedHolder } from './testing/paused-holder.js';

describePausedHolder(OTHER_KINDS);
