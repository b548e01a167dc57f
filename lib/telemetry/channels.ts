import { channel } from 'node:diagnostics_channel';

/** What the library reports on `node:diagnostics_channel`. Nothing is done for a channel nobody listens to. */
export const channels = {
  acquired: channel('nestjs-redis-lock:acquired'),
  renewed: channel('nestjs-redis-lock:renewed'),
  released: channel('nestjs-redis-lock:released'),
  lost: channel('nestjs-redis-lock:lost'),
  refused: channel('nestjs-redis-lock:refused'),
  skipped: channel('nestjs-redis-lock:skipped'),
};
