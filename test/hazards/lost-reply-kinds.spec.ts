import { OTHER_KINDS } from '../support/subjects.js';
import { describeLostReplies } from './testing/lost-reply.js';

describeLostReplies(OTHER_KINDS);
