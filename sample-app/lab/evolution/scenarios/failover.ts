import { connectTo } from './stage/servers.js';
import type { OwnServer, Servers } from './stage/servers.js';
import { CommandGate } from './stage/command-gate.js';
import { notAlone } from './scenario.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage/stage.js';

const replicas = 2;
const quickly = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'];

/** The lock has reached one of two replicas when the master dies, and the other one is promoted. */
export const failover: Scenario = {
  ownServers: true,
  async play(stage) {
    const { servers } = stage;
    const [master, behind, upToDate] = await Promise.all([start(servers), start(servers), start(servers)]);
    const link = await CommandGate.open(master.url);
    try {
      await Promise.all([follow(behind, link.port), follow(upToDate, master.port)]);
      await untilFollowedBy(stage, master, replicas);
      stage.lookAt(master.url);
      const nodes = [master.url];
      const [a, b] = await Promise.all([
        stage.caller('A', { nodes, replicas }),
        stage.caller('B', { nodes, replicas }),
      ]);

      link.deafen();
      a.call();
      // B has entered, or did not get the lock since a replica does not reply.
      await stage.until(async () => a.inside !== undefined || (a.commands > 2 && !(await stage.lockExists())));
      await master.kill();
      const another = await start(servers);
      await promote(behind);
      await Promise.all([follow(another, behind.port), follow(upToDate, behind.port)]);
      await untilFollowedBy(stage, behind, replicas);
      stage.lookAt(behind.url);
      for (const { gate } of [a, b]) gate.redirect(behind.url);

      b.call();
      if (a.inside === undefined) await stage.finishAll([a, b]);
      else {
        await stage.finishAll([b]);
        await a.finish();
      }
    } finally {
      await link.close();
    }
  },
  faults: notAlone,
};

function start(servers: Servers): Promise<OwnServer> {
  return servers.start(...quickly);
}

async function follow(server: OwnServer, masterPort: number): Promise<void> {
  const client = connectTo(server.url);
  await client.replicaof('127.0.0.1', masterPort).finally(() => client.disconnect());
}

async function promote(server: OwnServer): Promise<void> {
  const client = connectTo(server.url);
  await client.replicaof('NO', 'ONE').finally(() => client.disconnect());
}

async function untilFollowedBy(stage: Stage, { url }: OwnServer, count: number): Promise<void> {
  const client = connectTo(url);
  try {
    await stage.until(async () => {
      const info = await client.info('replication');
      return (info.match(/state=online/g) ?? []).length === count;
    });
  } finally {
    client.disconnect();
  }
}
