import { LockUnavailableError } from '../../../errors/index.js';
import { onNextTick } from '../../../time/ticks.js';
import type { KeyGroup } from '../scripts/key-mixing.js';
import type { ReleaseRequest } from '../scripts/lock-batches.js';
import { makeOverdue, OverdueError } from '../../overdue-error.js';
import { LIMIT, sendCall, type Asked, type BatchedScript } from '../scripts/script-batch.js';
import type { ScriptCaller } from '../scripts/script-caller.js';
import { unanswered } from '../connection/server-error.js';

interface Owned {
  readonly name: string;
  readonly owner: string;
}

interface Leased extends Owned {
  readonly leaseMs: number;
}

export interface AckedKind<Request, Reply> {
  readonly batched: BatchedScript<Request, Reply>;
  /** Whether the reply shows that there was a write, which replicas must acknowledge. */
  readonly granted: (reply: Reply) => boolean;
  /** Whether a lock that too few replicas acknowledged is released. */
  readonly givesBack: boolean;
}

/** One request on the connection. */
export interface Acked<Request = Leased, Reply = unknown> {
  readonly kind: AckedKind<Request, Reply>;
  readonly request: Request;
  readonly group: KeyGroup;
  readonly minReplicas: number;
  readonly timeoutMs: number;
  /** Whether its hash slot is still moving to the node. */
  readonly asking: boolean;
  /** How many times in a row it was redirected. */
  readonly redirections: number;
  resolve: (reply: Reply) => void;
  reject: (error: LockUnavailableError) => void;
}

/**
 * The writes to one node that need the same number of acknowledging replicas. While a `WAIT` is in flight, further
 * requests are collected and then sent together, with one `WAIT` for all of them.
 */
export class AckedConnection {
  onIdle: () => void = () => undefined;
  private waiting: Acked[] = [];
  private running = false;

  /**
   * @param redirect sends a request that was not executed to the node that the error names; returns whether there is
   *   one
   */
  constructor(
    private readonly caller: () => ScriptCaller,
    private readonly release: BatchedScript<ReleaseRequest, unknown>,
    private readonly redirect: (acked: Acked, error: LockUnavailableError) => boolean,
  ) {}

  add(acked: Acked): void {
    this.waiting.push(acked);
    if (this.running) return;
    this.running = true;
    // Requests of the same tick are sent together.
    onNextTick(() => void this.run());
  }

  private async run(): Promise<void> {
    for (let [first] = this.waiting; first !== undefined; [first] = this.waiting) {
      const { timeoutMs } = first;
      const [, ...others] = this.waiting;
      const group: [Acked, ...Acked[]] = [first, ...others.filter((acked) => acked.timeoutMs === timeoutMs)];
      this.waiting = this.waiting.filter((acked) => acked.timeoutMs !== timeoutMs);
      // An overdue group does not delay the next one, which can be sent behind it: the server executes the requests of
      // a connection in order.
      await new Promise<void>((resolve) => {
        void this.complete(new Group(group, timeoutMs, resolve)).then(resolve);
      });
    }
    this.running = false;
    this.onIdle();
  }

  /** Never rejects. */
  private async complete(group: Group): Promise<void> {
    try {
      await this.send(group);
    } catch (error) {
      for (const acked of group.all) acked.reject(error as LockUnavailableError);
    }
  }

  /** Resolves when all requests are settled, and the releases of unacknowledged locks have been sent. */
  private async send(group: Group): Promise<void> {
    const { timeoutMs } = group;
    const caller = this.caller();
    await caller.whenReady(timeoutMs);
    const { cuts, resends } = caller;
    const calls = callsOf(group.all);
    // Sent in one tick, with WAIT after the scripts, so that no other request comes between them.
    const writes = calls.map((call) => runCall(caller, call[0].kind.batched, call, timeoutMs, group));
    let acks = countAcks(caller, group);
    const replies = await Promise.all(writes);
    if (caller.resends !== resends) {
      // Scripts were sent again, after WAIT. On a new connection, WAIT covers no write.
      await acks;
      acks =
        caller.cuts === cuts ? countAcks(caller, group) : Promise.resolve(unanswered(new Error('connection closed')));
    }
    const short: Short[] = [];
    for (const [index, call] of calls.entries()) {
      for (const [place, acked] of call.entries()) {
        const reply = replies[index]?.[place];
        const { kind, minReplicas } = acked;
        if (reply instanceof LockUnavailableError) {
          // Not after the timeout: the caller may no longer wait for the request.
          if (group.late || !this.redirect(acked, reply)) acked.reject(reply);
        } else if (!kind.granted(reply)) acked.resolve(reply);
        else {
          const count = await acks;
          if (typeof count === 'number' && count >= minReplicas) acked.resolve(reply);
          else if (count instanceof LockUnavailableError && count.outcomeUnknown) acked.reject(count);
          else if (kind.givesBack) short.push({ acked, count });
          else acked.reject(tooFew({ acked, count }, true));
        }
      }
    }
    if (short.length > 0) void this.giveBack(caller, short, timeoutMs);
  }

  /** Never rejects. */
  private async giveBack(caller: ScriptCaller, short: readonly Short[], timeoutMs: number): Promise<void> {
    const why = new Map(short.map((each) => [each.acked, each]));
    await Promise.all(
      callsOf([...why.keys()]).map(async (call) => {
        const released = await runCall(caller, this.release, call, timeoutMs);
        for (const [place, acked] of call.entries()) {
          acked.reject(tooFew(why.get(acked) as Short, released[place] instanceof Error));
        }
      }),
    );
  }
}

/** A request that too few replicas acknowledged, with their number or the reason why it is unknown. */
interface Short {
  readonly acked: Acked;
  readonly count: number | Error;
}

type Call = [Acked, ...Acked[]];

/** Requests that share a WAIT. Once any reply is overdue, all of them are. */
class Group {
  /** For how long a late reply can be used, in ms. */
  readonly usefulMs: number;
  private overdue = false;

  constructor(
    readonly all: readonly [Acked, ...Acked[]],
    readonly timeoutMs: number,
    private readonly onLate: () => void,
  ) {
    this.usefulMs = Math.max(...all.map(({ request }) => request.leaseMs));
  }

  get late(): boolean {
    return this.overdue;
  }

  readonly onOverdue = (error: LockUnavailableError): void => {
    if (this.overdue) return;
    this.overdue = true;
    for (const acked of this.all) makeOverdue(acked, error);
    this.onLate();
  };
}

/** Groups requests into script calls: those of a call have the same kind and group, and fit together. */
function callsOf(group: readonly Acked[]): Call[] {
  const open = new Map<unknown, Map<KeyGroup, Call>>();
  const calls: Call[] = [];
  for (const acked of group) {
    const { kind, group: place } = acked;
    const ofKind = open.get(kind) ?? new Map<KeyGroup, Call>();
    open.set(kind, ofKind);
    const call = ofKind.get(place);
    if (call !== undefined && call.length < LIMIT && fits(call[0], acked)) call.push(acked);
    else {
      const next: Call = [acked];
      ofKind.set(place, next);
      calls.push(next);
    }
  }
  return calls;
}

function fits(first: Acked, acked: Acked): boolean {
  return first.asking === acked.asking && first.kind.batched.fits(first.request, acked.request);
}

/**
 * Never rejects: the error of a request takes the place of its reply.
 *
 * @param group requests whose late replies count, too
 */
function runCall<Request extends Owned>(
  caller: ScriptCaller,
  batched: BatchedScript<Request, unknown>,
  call: Call,
  timeoutMs: number,
  group?: Group,
): Promise<unknown[]> {
  const asked: Asked<Request, unknown>[] = [];
  const replies = call.map(
    (acked) =>
      new Promise<unknown>((resolve) => {
        // Requests of the other kinds have all properties that a release needs.
        const request = { keepMs: 0, notify: true, ...acked.request } as unknown as Request;
        const reject = (error: LockUnavailableError): void => {
          if (group === undefined || !(error instanceof OverdueError)) {
            resolve(error);
            return;
          }
          group.onOverdue(error);
          error.reply.then(resolve, resolve);
        };
        asked.push({ request, resolve, reject });
      }),
  );
  sendCall(caller, call[0].asking ? { ...batched, asking: true } : batched, asked, timeoutMs);
  return Promise.all(replies);
}

/** The number of replicas that have acknowledged the group, or the error why it is unknown. */
function countAcks(caller: ScriptCaller, group: Group): Promise<number | Error> {
  const { all, timeoutMs } = group;
  // WAIT must end well before the timeout of the requests.
  const waitMs = Math.max(1, Math.floor(timeoutMs / 2));
  return caller.waitForReplicas(all[0].minReplicas, waitMs, timeoutMs, group).catch((error: unknown) => error as Error);
}

function tooFew({ acked, count }: Short, outcomeUnknown: boolean): LockUnavailableError {
  const { kind, minReplicas, request } = acked;
  const what = kind.givesBack ? 'the lock, so it was released' : 'the renewal';
  const many = typeof count === 'number' ? String(count) : 'an unknown number';
  return new LockUnavailableError(
    `${many} of the ${String(minReplicas)} replicas wanted acknowledged ${what}.`,
    request.name,
    {
      retryable: !(count instanceof LockUnavailableError) || count.retryable,
      outcomeUnknown,
      cause: typeof count === 'number' ? undefined : count,
    },
  );
}
