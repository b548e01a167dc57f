import { hostname } from 'node:os';

/** This process in records: host name and process id. */
export const WHERE = `${hostname()}:${String(process.pid)}`;
