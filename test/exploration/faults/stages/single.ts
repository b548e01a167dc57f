import { debugAllowed } from '../../../support/redis-program.js';
import { RedisServer } from '../../../support/redis-node.js';
import {
  forgettingFaults,
  harmlessFaults,
  onServer,
  REPLACED_MS,
  restartFault,
  scriptFaults,
  serverClockFault,
} from '../runner/server-faults.js';
import { served } from '../runner/fault.js';
import { wayFaults } from '../runner/way-faults.js';
import { Ways, wireThrough } from '../runner/ways.js';
import { waitUntil } from '../../../support/wait-until.js';
import type { Stage, StageSetup } from './stage.js';

/** One Redis without persistence. */
export async function singleStage(setup: StageSetup): Promise<Stage> {
  const server = await RedisServer.startWith({ env: setup.serverEnv('single') }, ...debugAllowed());
  const pick = () => server;
  const { setServerClock, leaseMs } = setup;
  const ways = new Ways(() => wireThrough([server], ([proxy]) => ({ url: proxy!.url })));
  return {
    topology: 'single',
    minReplicas: 0,
    faults: [
      ...harmlessFaults(pick),
      ...scriptFaults(pick),
      ...served(
        wayFaults(() => ways.to(0), leaseMs),
        REPLACED_MS,
        REPLACED_MS,
      ),
      ...forgettingFaults(pick, true),
      restartFault(pick, true),
      ...(setServerClock === undefined ? [] : [serverClockFault((ms) => setServerClock('single', ms), true)]),
    ],
    wire: ways.wire,
    untilHealthy: async () => {
      await waitUntil('the server answers', () => onServer(server, 'PING').catch(() => undefined));
    },
    masters: async () => [server],
    stop: () => server.stop(),
  };
}
