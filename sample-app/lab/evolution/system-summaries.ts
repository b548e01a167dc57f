import type { SystemName } from './systems.js';

/** What each system does, and its flaw, for people. */
export const summaries: Readonly<Record<SystemName, string>> = {
  none: 'Every caller goes in at once.',
  'lock-2013':
    'SETNX with the time it ends as value, GETSET to take over, a check before DEL, several nodes one after another. No renewal; check and DEL are two steps; a partial multi-write lets two in.',
  'lock-2013-set':
    'The lock of 2013 with SET in the place of GETSET. Two that take over at once both believe they hold it.',
  'stage-1': 'SETNX, work, DEL. A crash leaves the key for ever.',
  'stage-2': 'SETNX, then EXPIRE. A crash between the two leaves the key for ever.',
  'stage-3': 'SET NX with an expiry. Work that outlives it deletes the lock of somebody else.',
  'stage-4': 'A UUID as value, compared before DEL. The lock can expire between the two.',
  'stage-5': 'A script compares and deletes in one step. Not renewed: work that outlives the lock has company.',
  'stage-5-printed':
    "Stage 5 as the article's code has it: the script is handed the value that was just read, and compares the lock with itself.",
  redisson:
    'A hash with a hold count, renewed by a watchdog; who waits is woken by a message. The holder has no token and is not told when it loses the lock.',
  'with-lock':
    'Renewed, told when it is lost, with a fencing token; quorum and minReplicas where there are several servers.',
};
