/** Where a lock of this name lives in Redis with the default prefix. Written out here: it is Redisson's layout. */
export const lockKey = (name: string): string => `lock:${name}`;
export const tokenKey = (name: string): string => `redisson_lock_token:{lock:${name}}`;
export const noticeChannel = (name: string): string => `redisson_lock__channel:{lock:${name}}`;
