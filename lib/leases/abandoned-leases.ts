import { inServiceContext } from '../context/service-context.js';
import { LockLostError } from '../errors/index.js';
import { channels } from '../telemetry/channels.js';
import { modeOf } from '../telemetry/message-mode.js';
import type { AbandonedMessage } from '../telemetry/messages.js';
import type { Reporter } from '../telemetry/reporter.js';
import { abandonedWarning } from '../telemetry/warnings.js';
import { LinkedList, type Linked } from '../lists/linked-list.js';
import { Timer } from '../time/timer.js';
import type { CallerHold } from './caller-hold.js';

/**
 * A lease that is held for a shorter time costs only the capture of its call site, in ms. A captured stack refers to the
 * objects of its frames, and so may keep the lease alive, until it was converted to text.
 */
const YOUNG_MS = 1_000;
const MAX_FRAMES = 3;
const UNKNOWN_PLACE = 'an unknown place';

/** Where a lease was acquired. */
export interface CallSite {
  readonly stack: string;
}

/** @param method the method of `owner` that the caller called */
export function callSiteOf(owner: object, method: string): CallSite {
  const site = { stack: '' };
  const limit = Error.stackTraceLimit;
  // It cannot be set where a process has frozen the built-in objects.
  Reflect.set(Error, 'stackTraceLimit', MAX_FRAMES);
  Error.captureStackTrace(site, Reflect.get(owner, method) as () => unknown);
  Reflect.set(Error, 'stackTraceLimit', limit);
  return site;
}

/** The first frame. An application's own `Error.prepareStackTrace` runs here, and may return anything or throw. */
function placeOf(site: CallSite | undefined): string {
  try {
    const [, frame = ''] = site?.stack.split('\n') ?? [];
    return frame.trim().replace(/^at /, '') || UNKNOWN_PLACE;
  } catch {
    return UNKNOWN_PLACE;
  }
}

/** A lease that notes there that it was released. */
export interface WatchableLease {
  watched: WatchedLease | null;
}

/** What is known of a lease that its caller must release. */
export class WatchedLease implements Linked<WatchedLease> {
  released = false;
  /** The first frame of the stack of its call. */
  place = '';
  /** @internal The list of young leases, and its neighbours in it. */
  list: LinkedList<WatchedLease> | null = null;
  /** @internal */
  previous: WatchedLease | null = null;
  /** @internal */
  next: WatchedLease | null = null;

  constructor(
    readonly callerHold: CallerHold,
    private young: { readonly lease: WatchableLease; readonly site: CallSite } | null,
  ) {}

  release(): void {
    this.released = true;
    this.list?.remove(this);
  }

  /** Drops the stack, and the lease, which could not be collected otherwise. Returns the lease. */
  grow(): WatchableLease | undefined {
    this.place = placeOf(this.young?.site);
    const lease = this.young?.lease;
    this.young = null;
    return lease;
  }
}

/**
 * Releases leases that were garbage-collected without a release, and reports where they were acquired. A lease with a fixed end
 * is left to it: callers may take a lock for a time on purpose.
 */
export class AbandonedLeases {
  private readonly young = new LinkedList<WatchedLease>();
  private readonly timer = new Timer(() => {
    this.onTimer();
  }, false);
  private readonly registry = new FinalizationRegistry<WatchedLease>((watched) => {
    inServiceContext(() => {
      this.onCollected(watched);
    });
  });
  private closed = false;

  constructor(private readonly reporter: Reporter) {}

  watch(lease: WatchableLease, callerHold: CallerHold, site: CallSite): void {
    lease.watched = new WatchedLease(callerHold, { lease, site });
    this.young.push(lease.watched);
    if (!this.timer.running && !this.closed) this.timer.start(YOUNG_MS);
  }

  close(): void {
    this.closed = true;
    this.timer.stop();
    for (const watched of this.young.entries()) this.young.remove(watched);
  }

  private onTimer(): void {
    for (const watched of this.young.entries()) {
      this.young.remove(watched);
      const lease = watched.grow();
      if (lease !== undefined) this.registry.register(lease, watched);
    }
  }

  private onCollected({ released, callerHold, place: site }: WatchedLease): void {
    if (released || this.closed || callerHold.over || callerHold.ended || !callerHold.hold.renews) return;
    const { name, label, token, hold } = callerHold;
    callerHold.inContext(() => {
      this.reporter.warn('abandoned', abandonedWarning(callerHold, site));
      if (!channels.abandoned.hasSubscribers) return;
      const message: AbandonedMessage = { name, label, mode: modeOf(hold), token, site };
      channels.abandoned.publish(message);
    });
    void callerHold.leave();
    // Code that has only the signal could not release the lock either.
    if (callerHold.state === 'released') callerHold.resign(new LockLostError(name, token, 'released'));
  }
}
