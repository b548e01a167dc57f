import { channel } from 'node:diagnostics_channel';

/**
 * The channels of `node:diagnostics_channel` on which the library reports. Each carries one type of message:
 * `AcquiredMessage`, `RenewedMessage`, `ReleasedMessage`, `LostMessage`, `RefusedMessage`, `SkippedMessage`,
 * `ElectedMessage`, `TermOverdueMessage`, `TermEndedMessage`.
 *
 * @publicApi
 */
export const lockChannels = {
  acquired: 'nestjs-redis-lock:acquired',
  renewed: 'nestjs-redis-lock:renewed',
  released: 'nestjs-redis-lock:released',
  lost: 'nestjs-redis-lock:lost',
  refused: 'nestjs-redis-lock:refused',
  skipped: 'nestjs-redis-lock:skipped',
  elected: 'nestjs-redis-lock:elected',
  termOverdue: 'nestjs-redis-lock:term-overdue',
  termEnded: 'nestjs-redis-lock:term-ended',
} as const;

/** @internal No message is created for a channel without subscribers. */
export const channels = {
  acquired: channel(lockChannels.acquired),
  renewed: channel(lockChannels.renewed),
  released: channel(lockChannels.released),
  lost: channel(lockChannels.lost),
  refused: channel(lockChannels.refused),
  skipped: channel(lockChannels.skipped),
  elected: channel(lockChannels.elected),
  termOverdue: channel(lockChannels.termOverdue),
  termEnded: channel(lockChannels.termEnded),
};
