// The library is loaded from its build, once for each simulated process; these are the types of what is used of it.
export type { Lease } from '../../../../lib/leases/lease.js';
export type { MultiLease } from '../../../../lib/leases/multi-lease.js';
export type { LockService } from '../../../../lib/lock.service.js';
export type { Hold } from '../../../../lib/holds/hold.js';
export type { LockStore } from '../../../../lib/stores/lock-store.js';
