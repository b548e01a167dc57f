import { EXCLUSIVE } from '../support/subjects.js';
import { describePausedHolder } from './testing/paused-holder.js';

describePausedHolder([EXCLUSIVE]);
