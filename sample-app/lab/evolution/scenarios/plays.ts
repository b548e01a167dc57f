import type { ScenarioName } from '../scenarios.js';
import { calm } from './calm.js';
import { crash, crashTaking } from './crash.js';
import { failover } from './failover.js';
import { lateDelete } from './late-delete.js';
import { longWork, slowRebuild } from './outlived.js';
import { partialWrite } from './partial-write.js';
import { plainSet } from './plain-set.js';
import type { Scenario } from './scenario.js';
import { staleWrite } from './stale-write.js';

/** How each scenario is played. */
export const plays: Readonly<Record<ScenarioName, Scenario>> = {
  calm,
  crash,
  'crash-taking': crashTaking,
  'slow-rebuild': slowRebuild,
  'late-delete': lateDelete,
  'long-work': longWork,
  'plain-set': plainSet,
  'partial-write': partialWrite,
  failover,
  'stale-write': staleWrite,
};
