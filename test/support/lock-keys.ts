/** Where a lock of this name lives in Redis with the default prefix. Written out here: it is Redisson's layout. */
export const lockKey = (name: string): string => `lock:${name}`;
export const tokenKey = (name: string): string => `redisson_lock_token:{lock:${name}}`;
export const noticeChannel = (name: string): string => `redisson_lock__channel:{lock:${name}}`;

/** The same of a semaphore: the holds, the key of this library, and the channel. */
export const permitHoldsKey = (name: string): string => `{lock:${name}}:timeout`;
export const permitsKey = (name: string): string => `lock_permits:{lock:${name}}`;
export const permitChannel = (name: string): string => `redisson_sc:{lock:${name}}`;

/** The same of a read-write lock: the order of its waiters, and the channel. */
export const orderKey = (name: string): string => `lock_order:{lock:${name}}`;
export const readWriteChannel = (name: string): string => `redisson_rwlock:{lock:${name}}`;

/** The same of a fair lock: its waiters, their deadlines, and the places of those of this library. */
export const queueKey = (name: string): string => `redisson_lock_queue:{lock:${name}}`;
export const deadlinesKey = (name: string): string => `redisson_lock_timeout:{lock:${name}}`;
export const placesKey = (name: string): string => `lock_places:{lock:${name}}`;

/** The record of the process with this uuid. */
export const holderKey = (id: string): string => `lock_holder:{lock:${id}}`;
