import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { lockChannels } from 'nestjs-redis-lock';
import type { AcquiredMessage, LostMessage, RefusedMessage, ReleasedMessage, RenewedMessage } from 'nestjs-redis-lock';
import { guardChannel } from '../evolution/guard-channel.js';
import type { GuardMessage } from '../evolution/guard-channel.js';
import { ChannelListeners } from './channel-listeners.js';
import { EventLog } from './event-log.js';
import { HeldLocks } from './held-locks.js';
import { PeriodCounts } from './period-counts.js';
import type { LiveEvent, ReplicaReport } from './replica-report.js';
import { WaitCounts } from './wait-counts.js';

export type Recorded = Pick<
  ReplicaReport,
  'requests' | 'latency' | 'cache' | 'orders' | 'held' | 'events' | 'eventsLeftOut'
>;

type Happening = LiveEvent extends infer Event ? (Event extends LiveEvent ? Omit<Event, 'at'> : never) : never;

/** The events that are reported at once. */
const important: ReadonlySet<LiveEvent['type']> = new Set([
  'acquired',
  'released',
  'lost',
  'rebuild-began',
  'rebuild-ended',
  'prices-refreshed',
]);

/**
 * Collects what this replica does until the next report. Locks report on channels of `node:diagnostics_channel`; the
 * rest comes from the providers of `lab/replica/`, which wrap those of the shop.
 */
@Injectable()
export class LiveRecorder implements OnModuleInit, OnApplicationShutdown {
  /** Called after an event that must be reported at once. */
  onImportant: () => void = () => undefined;
  readonly counts = new PeriodCounts();
  /** Of the systems other than `@WithLock`. */
  readonly waiting = new WaitCounts();
  private readonly held = new HeldLocks();
  private readonly log = new EventLog();
  private readonly channels = new ChannelListeners();

  onModuleInit(): void {
    this.listenToLocks();
    this.listenToOtherSystems();
  }

  onApplicationShutdown(): void {
    this.channels.stop();
  }

  /** Hands over what was recorded since the last time. */
  take(): Recorded {
    return { ...this.counts.take(), ...this.log.take(), held: this.held.list() };
  }

  note(event: Happening): void {
    this.log.add({ ...event, at: Date.now() });
    if (important.has(event.type)) this.onImportant();
  }

  rebuildBegan(section: string, token: number | null): void {
    this.counts.rebuildBegan();
    this.note({ type: 'rebuild-began', section, token });
  }

  rebuildEnded(section: string, ms: number, failed: boolean): void {
    this.counts.rebuildEnded();
    this.note({ type: 'rebuild-ended', section, ms: Math.round(ms), failed });
  }

  private listenToLocks(): void {
    const { channels, held } = this;
    channels.on(lockChannels.acquired, ({ name, token, waitedMs, remainingMs, handedOver }: AcquiredMessage) => {
      held.taken(name, token, remainingMs);
      this.note({ type: 'acquired', name, token, waitedMs: Math.round(waitedMs), handedOver });
    });
    channels.on(lockChannels.renewed, ({ name, token, leaseMs }: RenewedMessage) => {
      held.renewed(name, token, leaseMs);
      this.note({ type: 'renewed', name, token });
    });
    channels.on(lockChannels.released, ({ name, token, heldMs, outcome }: ReleasedMessage) => {
      held.gone(name, token);
      // A loss was reported by its own channel.
      if (outcome !== 'lost') this.note({ type: 'released', name, token, heldMs: Math.round(heldMs) });
    });
    channels.on(lockChannels.lost, ({ name, token, reason }: LostMessage) => {
      held.gone(name, token);
      this.note({ type: 'lost', name, token, reason });
    });
    channels.on(lockChannels.refused, ({ name, error }: RefusedMessage) => {
      if (error.code === 'LOCK_BUSY') this.note({ type: 'busy', name });
      else this.note({ type: 'error', message: error.message });
    });
  }

  private listenToOtherSystems(): void {
    this.channels.on(guardChannel.name, (message: GuardMessage) => {
      const { name } = message;
      if (message.type === 'waiting') {
        this.waiting.began(name);
        return;
      }
      if (message.type === 'released') {
        this.held.gone(name, null);
        this.note({ type: 'released', name, token: null, heldMs: Math.round(message.heldMs) });
        return;
      }
      this.waiting.ended(name);
      if (message.type === 'gave-up') {
        this.note({ type: 'busy', name });
        return;
      }
      this.held.taken(name, null, null);
      this.note({ type: 'acquired', name, token: null, waitedMs: Math.round(message.waitedMs), handedOver: false });
    });
  }
}
