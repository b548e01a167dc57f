import { Script } from './script.js';
import { ACQUIRE } from './acquire.lua.js';
import { ACQUIRE_FAIR } from './acquire-fair.lua.js';
import { ACQUIRE_READ_WRITE } from './acquire-read-write.lua.js';
import { ACQUIRE_PERMITS } from './acquire-permits.lua.js';
import { FORCE_RELEASE } from './force-release.lua.js';
import { INSPECT } from './inspect.lua.js';
import { INSPECT_PERMITS } from './inspect-permits.lua.js';
import { LATCH } from './latch.lua.js';
import { KIND } from './kind.lua.js';
import { PROBE_PUBLISH } from './probe-publish.lua.js';
import { PUBLISH, PUBLISH_SHARDED } from './publish.lua.js';
import { RELEASE } from './release.lua.js';
import { RELEASE_FAIR } from './release-fair.lua.js';
import { RELEASE_READ_WRITE } from './release-read-write.lua.js';
import { RELEASE_PERMITS } from './release-permits.lua.js';
import { RENEW } from './renew.lua.js';
import { RENEW_READ_WRITE } from './renew-read-write.lua.js';
import { RENEW_PERMITS } from './renew-permits.lua.js';

export const ACQUIRE_SCRIPT = new Script(ACQUIRE);
export const RENEW_SCRIPT = new Script(RENEW);
export const RELEASE_SCRIPT = new Script(RELEASE);
export const SHARDED_RELEASE_SCRIPT = sharded(RELEASE);
export const INSPECT_SCRIPT = new Script(INSPECT);
export const FORCE_RELEASE_SCRIPT = new Script(FORCE_RELEASE);
export const SHARDED_FORCE_RELEASE_SCRIPT = sharded(FORCE_RELEASE);
export const PROBE_PUBLISH_SCRIPT = new Script(PROBE_PUBLISH);

export const ACQUIRE_PERMITS_SCRIPT = new Script(ACQUIRE_PERMITS);
export const SHARDED_ACQUIRE_PERMITS_SCRIPT = sharded(ACQUIRE_PERMITS);
export const RENEW_PERMITS_SCRIPT = new Script(RENEW_PERMITS);
export const RELEASE_PERMITS_SCRIPT = new Script(RELEASE_PERMITS);
export const SHARDED_RELEASE_PERMITS_SCRIPT = sharded(RELEASE_PERMITS);

export const ACQUIRE_READ_WRITE_SCRIPT = new Script(ACQUIRE_READ_WRITE);
export const RENEW_READ_WRITE_SCRIPT = new Script(RENEW_READ_WRITE);
export const RELEASE_READ_WRITE_SCRIPT = new Script(RELEASE_READ_WRITE);
export const SHARDED_RELEASE_READ_WRITE_SCRIPT = sharded(RELEASE_READ_WRITE);

export const ACQUIRE_FAIR_SCRIPT = new Script(ACQUIRE_FAIR);
export const SHARDED_ACQUIRE_FAIR_SCRIPT = sharded(ACQUIRE_FAIR);
export const RELEASE_FAIR_SCRIPT = new Script(RELEASE_FAIR);
export const SHARDED_RELEASE_FAIR_SCRIPT = sharded(RELEASE_FAIR);

export const LATCH_SCRIPT = new Script(LATCH);
export const SHARDED_LATCH_SCRIPT = sharded(LATCH);

export const KIND_SCRIPT = new Script(KIND);
export const INSPECT_PERMITS_SCRIPT = new Script(INSPECT_PERMITS);

/** The same script with notifications through sharded channels, which are in the hash slot of the lock. */
function sharded(source: string): Script {
  return new Script(source.replace(PUBLISH, PUBLISH_SHARDED));
}
