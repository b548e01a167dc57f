/**
 * The outcome of a release. `lost`: the lock was no longer held. `unconfirmed`: the store did not reply, and the
 * release is retried in the background.
 */
export type ReleaseOutcome = 'released' | 'lost' | 'unconfirmed';
