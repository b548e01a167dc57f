/** What the global setup made and the global teardown removes; both run in one process. */
export const services = { redis: undefined, temp: undefined };
