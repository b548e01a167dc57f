import type { Random } from '../kernel/random.js';
import type { SimProcess } from '../kernel/sim-process.js';
import type { SimEvent, World } from '../kernel/world.js';
import type { Argument } from '../redis/script-model.js';
import type { Outbound, Peer, SimNode } from '../redis/sim-node.js';

export interface ConnectionEnd {
  onOutbound(message: Outbound): void;
  /** @param byPeer whether the other side closed it, as far as the client can see */
  onClosed(byPeer: boolean): void;
}

/** How long a network or a proxy may keep requests of a cut connection, in µs: if it has told the client of the cut, and not. */
const KEPT_US = { told: 900_000, silent: 3_500_000 };

interface Flying<T> {
  readonly item: T;
  readonly event: SimEvent;
}

/** What lies between one process and one node. */
export class Link {
  readonly connections = new Set<SimConnection>();
  /** Connections are neither made nor kept. */
  refused = false;
  private holdsRequests = false;
  private holdsReplies = false;
  private readonly chance: Random;
  private nextId = 0;

  constructor(
    readonly world: World,
    readonly process: SimProcess,
    public node: SimNode,
    /** Extra delay of everything to and from the node, in µs. */
    private readonly extraUs: () => number,
  ) {
    this.chance = world.random(`link ${process.id} ${node.id}`);
  }

  /** One way, in µs: mostly short, now and then much longer. */
  delay(): number {
    const spike = this.chance.chance(0.02) ? this.chance.int(2_000, 40_000) : 0;
    return this.chance.int(80, 500) + spike + this.extraUs();
  }

  get held(): { requests: boolean; replies: boolean } {
    return { requests: this.holdsRequests, replies: this.holdsReplies };
  }

  /** From now on it leads to another node, as after a change of DNS. */
  lead(node: SimNode): void {
    if (node === this.node) return;
    this.cut('both', 0);
    this.node = node;
  }

  /** Lets nothing through in a direction, as when packets are dropped and sent again and again. */
  hold(requests: boolean, replies: boolean): void {
    this.holdsRequests ||= requests;
    this.holdsReplies ||= replies;
  }

  /** What was held back arrives now. */
  unhold(): void {
    this.holdsRequests = false;
    this.holdsReplies = false;
    for (const connection of this.connections) connection.letThrough();
  }

  /** `null` if nobody accepts it. */
  open(end: ConnectionEnd, notices: boolean): SimConnection | null {
    if (this.refused) return null;
    const id = (this.process.id * 10 + this.node.id) * 1_000 + (this.nextId += 1);
    const connection = new SimConnection(this, end, id, notices);
    if (!this.node.accept(connection)) return null;
    this.connections.add(connection);
    return connection;
  }

  /** The peer of connections that listen disappears without a word: neither side is told. */
  vanish(): SimConnection[] {
    const found = [...this.connections].filter(({ notices, vanished }) => notices && !vanished);
    for (const connection of found) connection.vanish();
    return found;
  }

  /** Cuts connections; some of what is on its way still arrives. */
  cut(which: 'commands' | 'notices' | 'both', noticeUs: number): void {
    for (const connection of [...this.connections]) {
      if (which !== 'both' && (which === 'notices') !== connection.notices) continue;
      connection.cut(this.chance, noticeUs);
    }
  }
}

/** How long a server keeps a connection whose client is gone without a word, in µs. */
const KEEPALIVE_US = 3_000_000;

/** One connection. Each direction keeps its order. */
export class SimConnection implements Peer {
  private upAt = 0;
  private downAt = 0;
  private readonly flyingUp = new Set<Flying<readonly Argument[]>>();
  private readonly flyingDown = new Set<Flying<Outbound>>();
  private heldUp: (readonly Argument[])[] = [];
  private heldDown: Outbound[] = [];
  private serverOpen = true;
  private closing = false;
  vanished = false;
  /** What the client has subscribed to on it. */
  readonly channels = new Set<Argument>();
  private readonly node: SimNode;

  constructor(
    private readonly link: Link,
    private readonly end: ConnectionEnd,
    readonly id: number,
    readonly notices: boolean,
  ) {
    this.node = link.node;
  }

  /** From the client. */
  request(command: readonly Argument[]): void {
    const [name, channel] = command;
    if (name === 'subscribe') this.channels.add(channel!);
    else if (name === 'unsubscribe') this.channels.delete(channel!);
    if (!this.serverOpen || this.vanished) return;
    if (this.link.held.requests || this.heldUp.length > 0) this.heldUp.push(command);
    else this.flyUp(command);
  }

  /** From the server. */
  send(message: Outbound): void {
    if (!this.serverOpen || this.vanished) return;
    if (this.link.held.replies || this.heldDown.length > 0) this.heldDown.push(message);
    else this.flyDown(message);
  }

  letThrough(): void {
    const [up, down] = [this.heldUp, this.heldDown];
    this.heldUp = [];
    this.heldDown = [];
    for (const command of up) this.flyUp(command);
    for (const message of down) this.flyDown(message);
  }

  /** From now on nothing goes either way. */
  vanish(): void {
    const { node } = this;
    const { world } = this.link;
    this.vanished = true;
    this.heldUp = [];
    this.heldDown = [];
    for (const flying of [...this.flyingUp, ...this.flyingDown]) flying.event.run = null;
    this.flyingUp.clear();
    this.flyingDown.clear();
    world.after(KEEPALIVE_US, () => {
      this.serverOpen = false;
      node.forget(this);
    });
  }

  /** The server's process is gone. */
  cutByServer(): void {
    if (this.vanished) this.serverOpen = false;
    else this.drop(false, 500);
  }

  /**
   * The way is cut: some requests on it still arrive, some of them long after the client has another connection; some
   * replies, too. The client notices after `noticeUs`.
   */
  cut(chance: Random, noticeUs: number): void {
    if (!this.serverOpen || this.vanished) return;
    const requests = [...[...this.flyingUp].map(({ item }) => item), ...this.heldUp];
    const arrive = chance.chance(0.5) ? requests.length : chance.int(0, requests.length);
    for (const command of requests.slice(0, arrive)) this.node.receive(this, command);
    this.node.forget(this);
    const silent = chance.chance(0.5);
    if (chance.chance(0.5)) {
      const kept = chance.int(0, silent ? KEPT_US.silent : KEPT_US.told);
      this.link.world.after(kept, () => {
        for (const command of requests.slice(arrive)) this.node.receive(this, command);
        // It ends there, too: a late subscription has no listener.
        this.node.forget(this);
      });
    }
    this.drop(chance.chance(0.3), noticeUs, !silent);
  }

  /** The client closes it: what it has sent arrives. */
  closeByClient(): void {
    if (this.closing) return;
    this.closing = true;
    const { node } = this;
    const { world } = this.link;
    this.heldUp = [];
    const gone = (): void => {
      this.serverOpen = false;
      node.forget(this);
    };
    if (!this.vanished) world.at(Math.max(this.upAt, world.now + this.link.delay()), gone);
    for (const flying of this.flyingDown) flying.event.run = null;
    this.flyingDown.clear();
    this.link.connections.delete(this);
  }

  private drop(keepReplies: boolean, noticeUs: number, byPeer = true): void {
    if (this.closing) return;
    const { world, process } = this.link;
    this.serverOpen = false;
    this.closing = true;
    for (const flying of this.flyingUp) flying.event.run = null;
    this.flyingUp.clear();
    this.heldUp = [];
    this.heldDown = [];
    let noticeAt = world.now + noticeUs;
    for (const flying of this.flyingDown) {
      if (!keepReplies) flying.event.run = null;
      else noticeAt = Math.max(noticeAt, flying.event.at);
    }
    world.at(noticeAt, () => {
      this.link.connections.delete(this);
      process.deliver('message', () => this.end.onClosed(byPeer));
    });
  }

  private flyUp(command: readonly Argument[]): void {
    const { node } = this;
    const { world } = this.link;
    this.upAt = Math.max(this.upAt, world.now + this.link.delay());
    const flying: Flying<readonly Argument[]> = {
      item: command,
      event: world.at(this.upAt, () => {
        this.flyingUp.delete(flying);
        node.receive(this, command);
      }),
    };
    this.flyingUp.add(flying);
  }

  private flyDown(message: Outbound): void {
    const { world, process } = this.link;
    this.downAt = Math.max(this.downAt, world.now + this.link.delay());
    const flying: Flying<Outbound> = {
      item: message,
      event: world.at(this.downAt, () => {
        this.flyingDown.delete(flying);
        process.deliver('message', () => this.end.onOutbound(message));
      }),
    };
    this.flyingDown.add(flying);
  }
}
