import { debugAllowed } from '../../support/redis-program.js';
import { RedisServer } from '../../support/redis-node.js';
import { forgettingFaults, harmlessFaults, onServer, restartFault, serverClockFault } from '../runner/server-faults.js';
import { wireThrough } from '../runner/ways.js';
import { waitUntil } from '../../support/wait-until.js';
import type { Stage, StageSetup } from './stage.js';

/** One Redis without persistence. */
export async function singleStage(setup: StageSetup): Promise<Stage> {
  const server = await RedisServer.startWith({ env: setup.serverEnv('single') }, ...debugAllowed());
  const pick = () => server;
  const { setServerClock } = setup;
  return {
    topology: 'single',
    minReplicas: 0,
    faults: [
      ...harmlessFaults(pick),
      ...forgettingFaults(pick, true),
      restartFault(pick, true),
      ...(setServerClock === undefined ? [] : [serverClockFault((ms) => setServerClock('single', ms), true)]),
    ],
    wire: () => wireThrough([server], ([proxy]) => ({ url: proxy!.url })),
    untilHealthy: async () => {
      await waitUntil('the server answers', () => onServer(server, 'PING').catch(() => undefined));
    },
    masters: async () => [server],
    stop: () => server.stop(),
  };
}
