import { channel } from 'node:diagnostics_channel';

/**
 * The channels of `node:diagnostics_channel` on which the library reports. Each carries one type of message:
 * `AcquiredMessage`, `RenewedMessage`, `RenewedLateMessage`, `RenewalFailedMessage`, `ReleasedMessage`, `LostMessage`,
 * `RefusedMessage`, `NotifiedLateMessage`, `SkippedMessage`, `SlowMessage`, `ElectedMessage`, `TermOverdueMessage`,
 * `TermEndedMessage`, `AbandonedMessage`.
 *
 * @publicApi
 */
export const lockChannels = {
  acquired: 'nestjs-redis-lock:acquired',
  renewed: 'nestjs-redis-lock:renewed',
  renewedLate: 'nestjs-redis-lock:renewed-late',
  renewalFailed: 'nestjs-redis-lock:renewal-failed',
  released: 'nestjs-redis-lock:released',
  lost: 'nestjs-redis-lock:lost',
  refused: 'nestjs-redis-lock:refused',
  notifiedLate: 'nestjs-redis-lock:notified-late',
  skipped: 'nestjs-redis-lock:skipped',
  slow: 'nestjs-redis-lock:slow',
  abandoned: 'nestjs-redis-lock:abandoned',
  elected: 'nestjs-redis-lock:elected',
  termOverdue: 'nestjs-redis-lock:term-overdue',
  termEnded: 'nestjs-redis-lock:term-ended',
} as const;

/** @internal No message is created for a channel without subscribers. */
export const channels = {
  acquired: channel(lockChannels.acquired),
  renewed: channel(lockChannels.renewed),
  renewedLate: channel(lockChannels.renewedLate),
  renewalFailed: channel(lockChannels.renewalFailed),
  released: channel(lockChannels.released),
  lost: channel(lockChannels.lost),
  refused: channel(lockChannels.refused),
  notifiedLate: channel(lockChannels.notifiedLate),
  skipped: channel(lockChannels.skipped),
  slow: channel(lockChannels.slow),
  abandoned: channel(lockChannels.abandoned),
  elected: channel(lockChannels.elected),
  termOverdue: channel(lockChannels.termOverdue),
  termEnded: channel(lockChannels.termEnded),
};
