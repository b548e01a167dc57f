import { Script } from './script.js';
import { ACQUIRE } from './acquire.lua.js';
import { FORCE_RELEASE } from './force-release.lua.js';
import { INSPECT } from './inspect.lua.js';
import { PROBE_PUBLISH } from './probe-publish.lua.js';
import { PUBLISH, PUBLISH_SHARDED } from './publish.lua.js';
import { RELEASE } from './release.lua.js';
import { RENEW } from './renew.lua.js';

export const ACQUIRE_SCRIPT = new Script(ACQUIRE);
export const RENEW_SCRIPT = new Script(RENEW);
export const RELEASE_SCRIPT = new Script(RELEASE);
export const SHARDED_RELEASE_SCRIPT = sharded(RELEASE);
export const INSPECT_SCRIPT = new Script(INSPECT);
export const FORCE_RELEASE_SCRIPT = new Script(FORCE_RELEASE);
export const SHARDED_FORCE_RELEASE_SCRIPT = sharded(FORCE_RELEASE);
export const PROBE_PUBLISH_SCRIPT = new Script(PROBE_PUBLISH);

/** The same script with notifications through sharded channels, which are in the hash slot of the lock. */
function sharded(source: string): Script {
  return new Script(source.replace(PUBLISH, PUBLISH_SHARDED));
}
