import { get } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { EvolutionTable } from '../../sample-app/lab/evolution/evolution-table.js';
import type { LiveStream, ReplicaReport } from '../../sample-app/lab/live/replica-report.js';
import type { ControlState } from '../../sample-app/lab/controls/control-state.js';
import { waitUntil } from '../support/wait-until.js';

type Beat = LiveStream['beat'];

/** What the page does with the stream, without the page: reads it, and asks again when it is cut. */
export class LivePage {
  readonly reports: ReplicaReport[] = [];
  readonly beats: Beat[] = [];
  /** The replicas that served it, one after another. */
  readonly servedBy: string[] = [];
  private request: ClientRequest | undefined;
  private closed = false;

  readonly states: ControlState[] = [];
  readonly tables: EvolutionTable[] = [];

  private constructor(private readonly url: string) {}

  static async open(shopUrl: string): Promise<LivePage> {
    const page = new LivePage(`${shopUrl}/live/events`);
    page.connect();
    await waitUntil('the stream begins', () => page.beats.length > 0);
    return page;
  }

  /** The stream of the controls. */
  static async ofControls(shopUrl: string): Promise<LivePage> {
    const page = new LivePage(`${shopUrl}/controls/events`);
    page.connect();
    await waitUntil('the stream begins', () => page.states.length > 0);
    return page;
  }

  get lastBeat(): Beat {
    return this.beats.at(-1)!;
  }

  of(replica: string): ReplicaReport[] {
    return this.reports.filter((report) => report.replica === replica);
  }

  /** All events of all reports, with who told them. */
  get events() {
    return this.reports.flatMap(({ replica, events }) => events.map((event) => ({ replica, ...event })));
  }

  /** Waits for a report that is told from now on. */
  next(what: string, matches: (report: ReplicaReport) => boolean): Promise<ReplicaReport> {
    const from = this.reports.length;
    return this.find(what, matches, from);
  }

  /** Waits for a report, also one that was told before. */
  async find(what: string, matches: (report: ReplicaReport) => boolean, from = 0): Promise<ReplicaReport> {
    return (await waitUntil(`a report tells ${what}`, () => this.reports.slice(from).find(matches)))!;
  }

  forget(): void {
    this.reports.length = this.beats.length = this.states.length = 0;
  }

  close(): void {
    this.closed = true;
    this.request?.destroy();
  }

  private connect(): void {
    if (this.closed) return;
    this.request = get(this.url, { agent: false }, (response) => {
      if (response.statusCode === 200) this.servedBy.push(String(response.headers['x-replica']));
      this.read(response).catch(() => undefined);
    });
    this.request.on('error', () => {});
    // Also when it could not connect, and when the stream is over.
    this.request.once('close', () => setTimeout(() => this.connect(), 100).unref());
  }

  private async read(response: IncomingMessage): Promise<void> {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += String(chunk);
      const events = text.split('\n\n');
      text = events.pop()!;
      for (const event of events) {
        const [, name, json] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
        if (name === 'report') this.reports.push(JSON.parse(json!));
        if (name === 'state') this.states.push(JSON.parse(json!));
        if (name === 'evolution') this.tables.push(JSON.parse(json!));
        if (name === 'beat') this.beats.push(JSON.parse(json!));
      }
    }
  }
}
