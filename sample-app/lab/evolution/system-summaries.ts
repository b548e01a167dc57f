import type { SystemName } from './systems.js';

/** What each system does, and its flaw, as text for the page. */
export const summaries: Readonly<Record<SystemName, string>> = {
  none: 'All callers enter at once.',
  'lock-2013':
    'SETNX with the end time as value, GETSET to take over, a check before DEL, several nodes in sequence. No renewal; check and DEL are two steps; a partial multi-write lets two callers in.',
  'lock-2013-set':
    'The lock of 2013 with SET instead of GETSET. Two callers that take over at once both believe that they hold it.',
  'stage-1': 'SETNX, work, DEL. After a crash the key stays forever.',
  'stage-2': 'SETNX, then EXPIRE. After a crash between the two the key stays forever.',
  'stage-3': 'SET NX with an expiry. A caller that works longer deletes the lock of another caller.',
  'stage-4': 'A UUID as value, compared before DEL. The lock can expire between the two.',
  'stage-5': 'A script compares and deletes in one step. Not renewed: during longer work a second caller enters.',
  'stage-5-printed':
    "Stage 5 as in the article's code: the script gets the value that was just read, and compares the lock with itself.",
  redisson:
    'A hash with a hold count, renewed by a watchdog; waiters are notified by a message. The holder has no token and is not notified when it loses the lock.',
  'with-lock':
    'Renewed, with a signal when the lock is lost and a fencing token; quorum or minReplicas with several servers.',
};
