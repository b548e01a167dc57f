import { EXCLUSIVE } from '../support/subjects.js';
import { describeLostReplies } from './testing/lost-reply.js';

describeLostReplies([EXCLUSIVE]);
