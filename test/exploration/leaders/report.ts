import type pg from 'pg';
import type { Term } from './replicas.js';

export type Fault = 'kill' | 'stop' | 'network' | 'redis' | 'terminate';

/** A fault, and the term that it ended. Times in ms. */
export interface Change {
  readonly fault: Fault;
  readonly at: number;
  /** From when on Redis could be reached. */
  readonly reachableAt: number;
  /** The token of the term that the fault ended. */
  readonly from: number;
}

/** One term and the one before. */
interface Step {
  readonly fault: Fault | 'none';
  readonly elsewhere: boolean;
  /** Without a leader while Redis could be reached, in ms; below 0: two terms at once. */
  readonly freeMs: number;
  /** From the fault to the next election, in ms; `undefined` without a fault. */
  readonly changeMs: number | undefined;
}

export interface Results {
  readonly changes: readonly Change[];
  readonly terms: readonly Term[];
  readonly defects: readonly string[];
  readonly lease: number;
  readonly db: pg.Client;
}

const WHAT: Record<Step['fault'], string> = {
  kill: 'leader killed',
  stop: 'leader stopped for longer than its lease',
  network: "leader's network silent or refused for longer than its lease",
  redis: 'Redis killed, and back empty after 0 to 2 leases',
  terminate: 'leader terminated (SIGTERM)',
  none: 'none (busy machine)',
};

/** Prints what was seen, and returns the exit code: 1 if a promise was broken. */
export async function report({ changes, terms, defects, lease, db }: Results): Promise<number> {
  const steps = terms.slice(1).map((term, index) => stepOf(terms[index]!, term, changes));
  const { rows } = await db.query<{ accepted: string; tokens: string; backwards: string }>(
    `select count(*) as accepted, count(distinct token) as tokens, count(*) filter (where token < before) as backwards
     from (select token, lag(token) over (order by seq) as before from accepted) as writes`,
  );
  const { accepted, tokens, backwards } = rows[0]!;
  const sum = (count: string): number => terms.reduce((all, { counts }) => all + (counts[count] ?? 0), 0);
  const repeated = terms.length - new Set(terms.map(({ token }) => token)).size;
  const decreasing = terms.filter(({ token }, index) => index > 0 && token < terms[index - 1]!.token).length;
  console.log(`${String(steps.length)} changes of leader, lease ${String(lease)} ms. Times in ms.\n`);
  console.log(
    '| fault | changes | at another replica | without a leader: median | longest | from the fault to the next leader: median | longest | two at once | longest |',
  );
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const fault of Object.keys(WHAT) as Step['fault'][]) {
    const of = steps.filter((step) => step.fault === fault);
    if (of.length > 0) console.log(rowOf(WHAT[fault], of));
  }
  console.log(rowOf('all', steps));
  console.log(`
Writes that the guarded table accepted: ${accepted}, of ${tokens} terms. Accepted with a smaller token than an earlier one: ${backwards}.
Writes that it rejected: ${String(sum('rejectedWhileLeading'))} before the signal of the term aborted, ${String(sum('rejectedLater'))} after it.
Tokens that repeat: ${String(repeated)}; terms with a smaller token than an earlier one: ${String(decreasing)}; defects: ${String(defects.length)}.`);
  for (const defect of defects) console.log(`- ${defect}`);
  return Number(backwards) + repeated + decreasing + defects.length === 0 ? 0 : 1;
}

function stepOf(before: Term, term: Term, changes: readonly Change[]): Step {
  const change = changes.find(({ from }) => from === before.token);
  // A killed or stopped process leads no more from then on. A leader that resigns leads until its code has ended.
  const ends = [change?.fault === 'kill' || change?.fault === 'stop' ? change.at : Infinity];
  if (change?.fault !== 'stop') ends.push((before.resigned ? before.endedAt : before.abortedAt) ?? Infinity);
  const end = Math.min(...ends);
  const since = end > term.electedAt ? end : Math.max(end, Math.min(change?.reachableAt ?? 0, term.electedAt));
  return {
    fault: change?.fault ?? 'none',
    elsewhere: before.replica !== term.replica,
    freeMs: term.electedAt - since,
    changeMs: change === undefined ? undefined : term.electedAt - change.at,
  };
}

function rowOf(what: string, steps: readonly Step[]): string {
  const free = steps.map(({ freeMs }) => Math.max(0, freeMs));
  const change = steps.flatMap(({ changeMs }) => (changeMs === undefined ? [] : [changeMs]));
  const both = steps.filter(({ freeMs }) => freeMs < 0).map(({ freeMs }) => -freeMs);
  const cells = [
    steps.length,
    steps.filter(({ elsewhere }) => elsewhere).length,
    ...[median(free), Math.max(...free)].map(Math.round),
    ...(change.length === 0 ? ['', ''] : [median(change), Math.max(...change)].map(Math.round)),
    both.length,
    both.length === 0 ? '' : Math.round(Math.max(...both)),
  ];
  return `| ${what} | ${cells.join(' | ')} |`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
