import type { EvolutionTable } from '../evolution/evolution-table.js';
import type { LiveStream, ReplicaReport } from '../live/replica-report.js';
import { ControlPanel } from './controls/control-panel.js';
import { byId, element, setAttribute, setText } from './dom.js';
import { EvolutionView } from './evolution/evolution-view.js';
import { Painter } from './painter.js';
import { ShopState } from './state/shop-state.js';
import { ControlsClient } from './streams/controls-client.js';
import { WatchedStream } from './streams/watched-stream.js';
import { Charts } from './views/charts.js';
import { tellLastRun, tellLeader } from './views/coordination.js';
import { EventList } from './views/event-list.js';
import { LockTable } from './views/lock-table.js';
import { tellNow } from './views/now.js';
import { ReplicaCards } from './views/replica-cards.js';
import { SupplierFacts } from './views/supplier-facts.js';
import { themeSwitch } from './views/theme.js';

/** How often the page is drawn without new reports, since leases run down and replicas become silent, in ms. */
const tickMs = 200;

const shop = new ShopState();
const client = new ControlsClient();
const panel = new ControlPanel(shop, client);
const locks = new LockTable(byId('locks'), byId('locks-none'), byId('locks-box'));
const events = new EventList(shop);
const charts = new Charts(shop.history);
const supplier = new SupplierFacts();
const evolution = new EvolutionView();
let cards = new ReplicaCards(byId('replicas'), () => ({ root: element('div'), show: () => undefined }));

const painter = new Painter(() => {
  const now = Date.now();
  const rows = shop.locks.rows(shop.replicas, now);
  setText(byId('now'), tellNow(shop, rows, now));
  const connection = byId('connection');
  setAttribute(connection, 'data-state', shop.connected ? 'connected' : 'lost');
  setText(connection, shop.connected ? 'Connected' : 'Not connected, trying again');
  panel.show();
  cards.show(shop, now);
  setText(byId('leader'), tellLeader(shop, now));
  setText(byId('last-run'), tellLastRun(shop, now));
  supplier.show(shop, now);
  locks.show(rows, now);
  events.show(now);
  charts.show(now);
});

new WatchedStream({
  url: '/live/events',
  on: {
    report: (data) => {
      shop.takeReport(data as ReplicaReport, Date.now());
      painter.ask();
    },
    beat: (data) => {
      shop.beat = data as LiveStream['beat'];
      painter.ask();
    },
  },
  onState: (connected) => {
    shop.connected = connected;
    painter.ask();
  },
});

async function connectControls(): Promise<void> {
  const found = await client.connect({
    onState: (state) => {
      shop.controls = state;
      painter.ask();
    },
    onEvolution: (data) => evolution.show(data as EvolutionTable),
  });
  if (!found) return;
  byId('replicas').replaceChildren();
  cards = new ReplicaCards(byId('replicas'), panel.replicaButtons);
  panel.reveal();
}

themeSwitch(() => charts.redraw());
setInterval(() => painter.ask(), tickMs);
void connectControls();
