/** What became of a release. `unconfirmed`: the store did not answer; it is tried again in the background. */
export type ReleaseOutcome = 'released' | 'lost' | 'unconfirmed';
